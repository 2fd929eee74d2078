// Two models, each with a pass of its own, and a third without; the answer names what was deleted.
import { createSync } from 'nango';
import { z } from 'zod';

const Author = z.object({ id: z.string() });
const Novel = z.object({ id: z.string(), author: z.string() });
const Journal = z.object({ id: z.string(), gone: z.number() });

const sync = createSync({
    description: 'Authors and novels of a publisher',
    version: '1.0.0',
    frequency: 'every day',
    syncType: 'full',
    models: { Author, Novel, Journal },

    exec: async (nango) => {
        await nango.trackDeletesStart('Author');
        await nango.trackDeletesStart('Novel');
        const { data } = await nango.get<{ name: string; novels: string[] }[]>({ endpoint: '/authors' });
        for (const { name, novels } of data) {
            await nango.batchSave([{ id: name }], 'Author');
            await nango.batchSave(novels.map((title) => ({ id: title, author: name })), 'Novel');
        }
        const authors = await nango.trackDeletesEnd('Author');
        const novels = await nango.trackDeletesEnd('Novel');
        await nango.log(`gone: ${[...authors.deletedKeys].sort().join(',')} and ${[...novels.deletedKeys].sort().join(',')}`);
        await nango.batchSave([{ id: `run with ${data.length} authors`, gone: novels.deletedKeys.length }], 'Journal');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
