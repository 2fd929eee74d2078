// A model that the definition does not have is refused.
import { createSync } from 'nango';
import { z } from 'zod';

const Known = z.object({ id: z.string() });

const sync = createSync({
    description: 'A sync with a slip in a model name',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Known },

    exec: async (nango) => {
        await nango.batchSave([{ id: '1' }], 'Known');
        await nango.batchSave([{ id: '2' }], 'Knwon' as any);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
