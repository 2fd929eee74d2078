// A record that lacks what its model requires, and one with a field of another type.
import { createSync } from 'nango';
import { z } from 'zod';

const Person = z.object({ id: z.string(), name: z.string(), age: z.number() });

const sync = createSync({
    description: 'People whose data is not as it was thought',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Person },

    exec: async (nango) => {
        const { data } = await nango.get({ endpoint: '/people' });
        for (const person of data) {
            await nango.batchSave([person], 'Person');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
