// After the last try the error is the response's; without `retries` there is one try.
import { createSync } from 'nango';
import { z } from 'zod';

const Attempt = z.object({ id: z.string(), status: z.number(), message: z.string() });

const sync = createSync({
    description: 'What is left when a provider stays down',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Attempt },

    exec: async (nango) => {
        for (const retries of [undefined, 0, 2]) {
            try {
                await nango.get({ endpoint: '/down', params: { retries: String(retries) }, ...(retries !== undefined && { retries }) });
            } catch (error: any) {
                await nango.batchSave([{ id: `${retries}`, status: error.response.status, message: error.message }], 'Attempt');
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
