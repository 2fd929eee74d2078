// A failure before the first checkpoint: the next run starts from the beginning, with the records kept.
import { createSync } from 'nango';
import { z } from 'zod';

const Bill = z.object({ id: z.string(), paid: z.boolean() });

const sync = createSync({
    description: 'Bills, whose place is saved only at the end',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ until: z.string() }),
    models: { Bill },

    exec: async (nango) => {
        const since = (await nango.getCheckpoint())?.until ?? 'start';
        for (let page = 1; page <= 3; page++) {
            const { data } = await nango.get<{ no: number; paid: boolean }[]>({ endpoint: '/bills', params: { since, page } });
            await nango.batchSave(data.map(({ no, paid }) => ({ id: `bill-${no}`, paid })), 'Bill');
        }
        await nango.saveCheckpoint({ until: '2026-11-22' });
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
