// A search by POST: offset and limit go into the body as numbers, beside the filter.
import { createSync } from 'nango';
import { z } from 'zod';

const Product = z.object({ id: z.string(), sku: z.string(), price_cents: z.number().int() });

const sync = createSync({
    description: 'Products on sale',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    syncType: 'full',
    endpoints: [{ method: 'GET', path: '/shopfront/products' }],
    models: { Product },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ uid: string; sku: string; price: number }>({
            method: 'POST',
            endpoint: '/products/search',
            data: { filter: { onSale: true }, sort: ['sku'] },
            paginate: {
                type: 'offset',
                offset_name_in_request: 'from',
                limit_name_in_request: 'size',
                limit: 10,
                response_path: 'hits'
            },
            retries: 3
        })) {
            await nango.batchSave(page.map(({ uid, sku, price }) => ({ id: uid, sku, price_cents: Math.round(price * 100) })), 'Product');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
