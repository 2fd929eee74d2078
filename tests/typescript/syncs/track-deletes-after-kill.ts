// Killed within its pass: the next run goes on from the checkpoint and deletes what neither has seen.
import { createSync } from 'nango';
import { z } from 'zod';

const Sensor = z.object({ id: z.string(), value: z.number() });

const sync = createSync({
    description: 'Sensors in a pass that is killed',
    version: '1.0.0',
    frequency: 'every hour',
    syncType: 'full',
    checkpoint: z.object({ from: z.number() }),
    models: { Sensor },

    exec: async (nango) => {
        await nango.trackDeletesStart('Sensor');
        let from = (await nango.getCheckpoint())?.from ?? 0;
        for (;;) {
            const { data } = await nango.get<{ n: number; v: number }[]>({ endpoint: '/sensors', params: { from } });
            if (data.length === 0) break;
            await nango.batchSave(data.map(({ n, v }) => ({ id: `n${n}`, value: v })), 'Sensor');
            from += data.length;
            await nango.saveCheckpoint({ from });
        }
        await nango.clearCheckpoint();
        await nango.trackDeletesEnd('Sensor');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
