// A BigInt in a record has no JSON: the save fails with an error, caught here.
import { createSync } from 'nango';
import { z } from 'zod';

const Row = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'Rows with a number too large',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Row },

    exec: async (nango) => {
        try {
            await nango.batchSave([{ id: 'big', value: 5n }], 'Row');
        } catch (error) {
            await nango.batchSave([{ id: 'caught', value: error instanceof Error }], 'Row');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
