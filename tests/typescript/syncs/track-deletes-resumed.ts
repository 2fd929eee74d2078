// A pass over several runs: begun, cut at a checkpoint, and closed by the run that goes on.
import { createSync } from 'nango';
import { z } from 'zod';

const Asset = z.object({ id: z.string() });

const sync = createSync({
    description: 'Assets in a pass that survives its runs',
    version: '1.0.0',
    frequency: 'every hour',
    syncType: 'full',
    checkpoint: z.object({ page: z.number() }),
    models: { Asset },

    exec: async (nango) => {
        await nango.trackDeletesStart('Asset');
        for (let page = (await nango.getCheckpoint())?.page ?? 1; page <= 4; page++) {
            const { data } = await nango.get<string[]>({ endpoint: '/assets', params: { page } });
            await nango.batchSave(data.map((id) => ({ id })), 'Asset');
            await nango.saveCheckpoint({ page: page + 1 });
        }
        await nango.clearCheckpoint();
        await nango.trackDeletesEnd('Asset');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
