// A query in the endpoint and parameters beside it: a parameter takes the place of its namesake.
import { createSync } from 'nango';
import { z } from 'zod';

const Echo = z.object({ id: z.string(), query: z.string() });

const sync = createSync({
    description: 'Queries in two places',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Echo },

    exec: async (nango) => {
        const endpoints = ['/echo?fixed=1&page=7', 'echo?list=a&list=b', '/echo?sign=%2B&space=a+b', '/echo?'];
        for (const [index, endpoint] of endpoints.entries()) {
            const { data } = await nango.get({ endpoint, params: { page: index } });
            await nango.batchSave([{ id: endpoint, query: data.query }], 'Echo');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
