// Statuses in `retryOn` are tried again, others are not.
import { createSync } from 'nango';
import { z } from 'zod';

const Export = z.object({ id: z.string(), state: z.string() });

const sync = createSync({
    description: 'An export that is not ready at once',
    version: '1.0.0',
    frequency: 'every day',
    models: { Export },

    exec: async (nango) => {
        const { data } = await nango.get({ endpoint: '/exports/1', retries: 5, retryOn: [409, 404] });
        await nango.batchSave([{ id: '1', state: data.state }], 'Export');
        try {
            await nango.get({ endpoint: '/exports/2', retries: 5, retryOn: [409] });
        } catch (error: any) {
            await nango.batchSave([{ id: '2', state: `error ${error.response?.status}` }], 'Export');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
