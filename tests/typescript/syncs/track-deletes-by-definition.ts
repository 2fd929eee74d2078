// `trackDeletes` in the definition: a full run deletes what it did not save, without a call.
import { createSync } from 'nango';
import { z } from 'zod';

const Sku = z.object({ id: z.string(), stock: z.number() });

const sync = createSync({
    description: 'Stock, with what is no longer kept',
    version: '1.0.0',
    frequency: 'every hour',
    syncType: 'full',
    trackDeletes: true,
    models: { Sku },

    exec: async (nango) => {
        const { data } = await nango.get<Record<string, number>>({ endpoint: '/stock' });
        await nango.batchSave(Object.entries(data).map(([id, stock]) => ({ id, stock })), 'Sku');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
