// Ids in paths: encoded by the author, or left as they are.
import { createSync } from 'nango';
import { z } from 'zod';

const File = z.object({ id: z.string(), path: z.string() });

const sync = createSync({
    description: 'Files whose names have everything in them',
    version: '1.0.0',
    frequency: 'every hour',
    models: { File },

    exec: async (nango) => {
        for (const name of ['plain', 'a b', 'a/b', 'ünïcode', '100%', 'x?y#z', '日本', 'q&a=1', "it's (1)*!"]) {
            const { data } = await nango.get({ endpoint: `/files/${encodeURIComponent(name)}` });
            await nango.batchSave([{ id: name, path: data.path }], 'File');
        }
        const { data } = await nango.get({ endpoint: '/files/left as it is' });
        await nango.batchSave([{ id: 'raw', path: data.path }], 'File');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
