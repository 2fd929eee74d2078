// A failure that nobody catches ends the run; what was saved before it stays.
import { createSync } from 'nango';
import { z } from 'zod';

const Row = z.object({ id: z.string() });

const sync = createSync({
    description: 'Rows up to the one that breaks',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Row },

    exec: async (nango) => {
        for (let page = 1; page <= 5; page++) {
            const { data } = await nango.get({ endpoint: '/rows', params: { page } });
            await nango.batchSave(data.rows, 'Row');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
