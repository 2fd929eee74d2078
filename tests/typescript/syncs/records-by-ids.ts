// Records by their ids, as a map: those that are there, under the ids that were asked for.
import { createSync } from 'nango';
import { z } from 'zod';

const Price = z.object({ id: z.string(), amount: z.number() });
const Change = z.object({ id: z.string(), from: z.number().nullable(), to: z.number() });

const sync = createSync({
    description: 'Prices, and how they changed',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Price, Change },

    exec: async (nango) => {
        const { data } = await nango.get<z.infer<typeof Price>[]>({ endpoint: '/prices' });
        const before = await nango.getRecordsByIds<string, z.infer<typeof Price>>(data.map(({ id }) => id), 'Price');
        const changes = data
            .filter(({ id, amount }) => before.get(id)?.amount !== amount)
            .map(({ id, amount }) => ({ id, from: before.get(id)?.amount ?? null, to: amount }));
        await nango.batchSave(changes, 'Change');
        await nango.batchSave(data, 'Price');
        await nango.log(`${before.size} of ${data.length} were there`);
        const none = await nango.getRecordsByIds([], 'Price');
        await nango.log(`${none.size} of none`);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
