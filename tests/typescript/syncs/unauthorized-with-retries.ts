// A 401 with retries: Nango asks for fresh credentials and tries once more.
import { createSync } from 'nango';
import { z } from 'zod';

const Attempt = z.object({ id: z.string(), status: z.number() });

const sync = createSync({
    description: 'What is left of a connection that was cut off',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Attempt },

    exec: async (nango) => {
        for (const retries of [0, 3]) {
            const status = await nango.get({ endpoint: '/me', params: { retries }, retries }).then(
                (response) => response.status,
                (error) => error.response.status
            );
            await nango.batchSave([{ id: `with ${retries}`, status }], 'Attempt');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
