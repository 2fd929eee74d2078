// Undefined and null as parameters go out as words, as they do with Nango's proxy.
import { createSync } from 'nango';
import { z } from 'zod';

const Echo = z.object({ id: z.string(), query: z.string() });

const sync = createSync({
    description: 'Parameters that were forgotten',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Echo },

    exec: async (nango) => {
        const since: string | undefined = undefined;
        const params: any = { since, until: null, limit: 5 };
        const { data } = await nango.get({ endpoint: '/echo', params });
        await nango.batchSave([{ id: 'echo', query: data.query }], 'Echo');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
