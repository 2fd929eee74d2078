// The next page by the `Link` header, with its query kept and the first parameters dropped.
import { createSync } from 'nango';
import { z } from 'zod';

const Issue = z.object({ id: z.string(), title: z.string(), author: z.string(), labels: z.array(z.string()) });
const ProviderIssue = z.object({
    id: z.number(),
    title: z.string(),
    user: z.object({ login: z.string() }),
    labels: z.array(z.object({ name: z.string() })),
    pull_request: z.object({ url: z.string() }).optional()
});

const sync = createSync({
    description: 'Issues without the pull requests among them',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'full',
    endpoints: [{ method: 'GET', path: '/forge/issues', group: 'Issues' }],
    models: { Issue },

    exec: async (nango) => {
        for await (const page of nango.paginate({
            endpoint: '/repos/tide/gate/issues',
            params: { state: 'all', per_page: 5 },
            paginate: { type: 'link', link_rel_in_response_header: 'next', limit_name_in_request: 'per_page', limit: 5 },
            retries: 3
        })) {
            const issues = z.array(ProviderIssue).parse(page).filter((issue) => !issue.pull_request);
            await nango.batchSave(issues.map((issue) => ({
                id: issue.id.toString(),
                title: issue.title,
                author: issue.user.login,
                labels: issue.labels.map(({ name }) => name)
            })), 'Issue');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
