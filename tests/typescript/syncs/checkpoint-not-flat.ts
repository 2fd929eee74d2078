// A checkpoint must be flat: one with an object in it is refused, and the sync goes on without.
import { createSync } from 'nango';
import { z } from 'zod';

const Try = z.object({ id: z.string(), refused: z.boolean() });

const sync = createSync({
    description: 'Checkpoints of wrong shapes',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ place: z.string() }),
    models: { Try },

    exec: async (nango) => {
        const shapes: Record<string, unknown> = { nested: { place: { page: 1 } }, list: { place: ['a'] }, nothing: { place: null }, flat: { place: 'p' } };
        for (const [id, shape] of Object.entries(shapes)) {
            const refused = await nango.saveCheckpoint(shape as never).then(
                () => false,
                (error) => error instanceof Error
            );
            await nango.batchSave([{ id, refused }], 'Try');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
