// Headers of a response: names in small letters, one that comes twice, cookies, numbers as text.
import { createSync } from 'nango';
import { z } from 'zod';

const Header = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'What headers tell',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Header },

    exec: async (nango) => {
        const { headers } = await nango.get({ endpoint: '/limits' });
        const names = ['x-ratelimit-remaining', 'x-next', 'content-type', 'etag', 'x-missing', 'x-twice'];
        await nango.batchSave(names.map((id) => ({ id, value: headers[id] ?? null })), 'Header');
        const remaining = Number(headers['x-ratelimit-remaining']);
        await nango.batchSave([{ id: 'low', value: remaining < 10 }, { id: 'cookies', value: headers['set-cookie'] ?? null }], 'Header');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
