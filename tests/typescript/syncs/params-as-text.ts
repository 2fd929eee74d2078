// Parameters given as one text, with and without a question mark.
import { createSync } from 'nango';
import { z } from 'zod';

const Echo = z.object({ id: z.string(), query: z.string() });

const sync = createSync({
    description: 'A query that the author put together',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Echo },

    exec: async (nango) => {
        const first = await nango.get({ endpoint: '/echo', params: 'since=2026-01-01&tag=a&tag=b' });
        const second = await nango.get({ endpoint: '/echo', params: `?q=${encodeURIComponent('a & b')}` });
        await nango.batchSave([{ id: '1', query: first.data.query }, { id: '2', query: second.data.query }], 'Echo');
        try {
            await nango.get({ endpoint: '/echo?a=1', params: 'b=2' });
        } catch (error) {
            await nango.batchSave([{ id: 'both', query: error instanceof Error ? error.message : 'no error' }], 'Echo');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
