// GraphQL by POST: the cursor's dotted name puts it into the variables of the query.
import { createSync } from 'nango';
import { z } from 'zod';

const Repository = z.object({ id: z.string(), name: z.string(), stars: z.number().int() });

const QUERY = `
  query Repositories($first: Int!, $after: String) {
    viewer { repositories(first: $first, after: $after) { nodes { id name stars } pageInfo { endCursor hasNextPage } } }
  }
`;

const sync = createSync({
    description: 'Repositories by GraphQL',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/forge/repositories' }],
    models: { Repository },

    exec: async (nango) => {
        for await (const page of nango.paginate<z.infer<typeof Repository>>({
            method: 'POST',
            endpoint: '/graphql',
            data: { query: QUERY, 'variables.first': 3 },
            paginate: {
                type: 'cursor',
                cursor_path_in_response: 'data.viewer.repositories.pageInfo.endCursor',
                cursor_name_in_request: 'variables.after',
                response_path: 'data.viewer.repositories.nodes'
            },
            retries: 3
        })) {
            await nango.batchSave(page, 'Repository');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
