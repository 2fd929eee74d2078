// `on_page` saves the cursor as checkpoint, and a run that failed goes on from it.
import { createSync } from 'nango';
import type { ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Order = z.object({ id: z.string(), total: z.number() });

const sync = createSync({
    description: 'Orders from where the last run came to',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    checkpoint: z.object({ cursor: z.string() }),
    endpoints: [{ method: 'GET', path: '/orders' }],
    models: { Order },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        const config: ProxyConfiguration = {
            endpoint: '/orders',
            params: { ...(checkpoint && { cursor: checkpoint.cursor }) },
            paginate: {
                type: 'cursor',
                cursor_path_in_response: 'next',
                cursor_name_in_request: 'cursor',
                response_path: 'orders',
                on_page: async ({ nextPageParam }) => {
                    if (typeof nextPageParam === 'string') {
                        await nango.saveCheckpoint({ cursor: nextPageParam });
                    }
                }
            }
        };
        for await (const page of nango.paginate<z.infer<typeof Order>>(config)) {
            await nango.batchSave(page, 'Order');
        }
        await nango.clearCheckpoint();
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
