// Pagination that the provider's template brings: the sync says only how much a page holds.
import { createSync } from 'nango';
import { z } from 'zod';

const Task = z.object({ id: z.string(), name: z.string() });

const sync = createSync({
    description: 'Tasks by the template of the provider',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/tasks' }],
    models: { Task },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ gid: string; name: string }>({
            endpoint: '/api/1.0/tasks',
            params: { project: '77' },
            paginate: { limit: 4, limit_name_in_request: 'limit' },
            retries: 3
        })) {
            await nango.batchSave(page.map(({ gid, name }) => ({ id: gid, name })), 'Task');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
