// Past its soft limit a run ends at its first checkpoint, again and again, and gets through all the same.
import { createSync } from 'nango';
import { z } from 'zod';

const Row = z.object({ id: z.string(), run: z.string() });

const sync = createSync({
    description: 'Rows a page at a time',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ offset: z.number() }),
    models: { Row },

    exec: async (nango) => {
        let offset = (await nango.getCheckpoint())?.offset ?? 0;
        for (;;) {
            const { data } = await nango.get<string[]>({ endpoint: '/rows', params: { offset, limit: 3 } });
            if (data.length === 0) return;
            await nango.batchSave(data.map((id) => ({ id, run: `from ${offset}` })), 'Row');
            offset += data.length;
            await nango.saveCheckpoint({ offset });
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
