// What was saved is read back within the run, and the last of many saves counts.
import { createSync } from 'nango';
import { z } from 'zod';

const Seen = z.object({ id: z.string(), value: z.number() });

const sync = createSync({
    description: 'A counter that is saved ten times',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ count: z.number() }),
    models: { Seen },

    exec: async (nango) => {
        for (let step = 0; step < 10; step++) {
            const count = (await nango.getCheckpoint())?.count ?? 100;
            await nango.saveCheckpoint({ count: count + 1 });
        }
        await nango.clearCheckpoint();
        const cleared = await nango.getCheckpoint();
        await nango.saveCheckpoint({ count: cleared === null ? 7 : -7 });
        await nango.batchSave([{ id: 'count', value: (await nango.getCheckpoint())?.count ?? -1 }], 'Seen');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
