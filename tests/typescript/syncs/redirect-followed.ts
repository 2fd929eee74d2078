// Redirects on the same origin are followed, also by a POST that becomes a GET.
import { createSync } from 'nango';
import { z } from 'zod';

const Target = z.object({ id: z.string(), at: z.string() });

const sync = createSync({
    description: 'Targets that have moved',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Target },

    exec: async (nango) => {
        for (const id of ['301', '302', '307', '308']) {
            const { data } = await nango.get({ endpoint: `/moved/${id}`, params: { keep: 'no' } });
            await nango.batchSave([{ id, at: data.at }], 'Target');
        }
        const { data } = await nango.post({ endpoint: '/jobs', data: { name: 'x' } });
        await nango.batchSave([{ id: 'post', at: data.at }], 'Target');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
