// A sync that knows a failure by the exact words of its message.
import { createSync } from 'nango';
import { z } from 'zod';

const Item = z.object({ id: z.string() });

const sync = createSync({
    description: 'Items of a feature that may be off',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Item },

    exec: async (nango) => {
        try {
            const { data } = await nango.get({ endpoint: '/beta/items' });
            await nango.batchSave(data, 'Item');
        } catch (error) {
            if (error instanceof Error && error.message === 'Request failed with status code 403') {
                await nango.batchSave([{ id: 'feature-off' }], 'Item');
                return;
            }
            throw error;
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
