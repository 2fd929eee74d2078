// Offset that grows by what came, not by the page size; an empty page is the end.
import { createSync } from 'nango';
import { z } from 'zod';

const Warehouse = z.object({ id: z.string(), name: z.string(), city: z.string().nullable() });

const sync = createSync({
    description: 'Warehouses of a stock keeper',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'full',
    endpoints: [{ method: 'GET', path: '/stockist/warehouses', group: 'Warehouses' }],
    models: { Warehouse },

    exec: async (nango) => {
        const pages = nango.paginate<{ id: number; name: string; town?: string }>({
            endpoint: '/v1/warehouses',
            paginate: { type: 'offset', offset_name_in_request: 'offset', response_path: 'items' },
            retries: 3
        });
        for await (const page of pages) {
            await nango.batchSave(page.map((item) => ({ id: String(item.id), name: item.name, city: item.town ?? null })), 'Warehouse');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
