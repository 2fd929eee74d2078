// One page of a hundred issues with a plain mapping: what a run costs before it does much.
import { createSync } from 'nango';
import { z } from 'zod';

const Issue = z.object({ id: z.string(), title: z.string(), author: z.string(), labels: z.array(z.string()), created_at: z.string(), closed: z.boolean() });

const sync = createSync({
    description: 'Issues of a forge',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Issue },

    exec: async (nango) => {
        for await (const page of nango.paginate<any>({
            endpoint: '/issues',
            paginate: { type: 'link', link_rel_in_response_header: 'next' },
            retries: 3
        })) {
            await nango.batchSave(page.map((issue) => ({
                id: String(issue.id),
                title: issue.title,
                author: issue.user.login,
                labels: issue.labels.map((label: { name: string }) => label.name),
                created_at: new Date(issue.created_at).toISOString(),
                closed: issue.state === 'closed'
            })), 'Issue');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
