// `on_page` with the offset of the page just read and its whole response; not called for the short last page.
import { createSync } from 'nango';
import { z } from 'zod';

const Visit = z.object({ id: z.string(), seen_at_offset: z.number() });
const Progress = z.object({ id: z.string(), offsets: z.array(z.union([z.number(), z.string()])), total: z.number(), statuses: z.array(z.number()) });

const sync = createSync({
    description: 'Visits, with the progress that the pages tell',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/visitor/visits' }],
    models: { Visit, Progress },

    exec: async (nango) => {
        const offsets: (string | number)[] = [];
        const statuses: number[] = [];
        let total = 0;
        let at = 0;
        for await (const page of nango.paginate<{ id: string }>({
            endpoint: '/visits',
            params: { order: 'asc' },
            paginate: {
                type: 'offset',
                offset_name_in_request: 'offset',
                limit_name_in_request: 'limit',
                limit: 4,
                response_path: 'visits',
                on_page: async ({ nextPageParam, response }) => {
                    offsets.push(nextPageParam ?? 'none');
                    statuses.push(response.status);
                    total = response.data.total;
                }
            }
        })) {
            await nango.batchSave(page.map(({ id }) => ({ id, seen_at_offset: at })), 'Visit');
            at += page.length;
        }
        await nango.batchSave([{ id: 'progress', offsets, total, statuses }], 'Progress');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
