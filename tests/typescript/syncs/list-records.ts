// Records read back: all that are live, also those of the run before.
import { createSync } from 'nango';
import { z } from 'zod';

const Item = z.object({ id: z.string(), price: z.number() });
const Sum = z.object({ id: z.string(), items: z.number(), total: z.number() });

const sync = createSync({
    description: 'A sum over all that is in the cache',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Item, Sum },

    exec: async (nango) => {
        const { data } = await nango.get<z.infer<typeof Item>[]>({ endpoint: '/items' });
        await nango.batchSave(data, 'Item');
        let items = 0;
        let total = 0;
        for await (const item of nango.listRecords<z.infer<typeof Item>>('Item')) {
            items += 1;
            total += item.price;
        }
        await nango.batchSave([{ id: 'all', items, total }], 'Sum');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
