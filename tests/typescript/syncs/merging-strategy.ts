// The strategy for records that others changed is accepted, for each of its two words.
import { createSync } from 'nango';
import { z } from 'zod';

const Note = z.object({ id: z.string(), text: z.string() });

const sync = createSync({
    description: 'Notes that may be edited elsewhere',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Note },

    exec: async (nango) => {
        await nango.setMergingStrategy({ strategy: 'ignore_if_modified_after' }, 'Note');
        const { data } = await nango.get<z.infer<typeof Note>[]>({ endpoint: '/notes' });
        await nango.batchSave(data, 'Note');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
