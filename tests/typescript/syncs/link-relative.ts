// A next page that is only a path with a query.
import { createSync } from 'nango';
import { z } from 'zod';

const Page = z.object({ id: z.string(), title: z.string() });

const sync = createSync({
    description: 'Pages of a wiki',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/wiki/pages' }],
    models: { Page },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ id: string; title: string }>({
            endpoint: '/wiki/api/v2/pages',
            params: { limit: '3', sort: '-modified' },
            paginate: { type: 'link', link_path_in_response_body: '_links.next', response_path: 'results' }
        })) {
            await nango.batchSave(page, 'Page');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
