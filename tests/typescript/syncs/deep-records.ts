// Deep and wide records, with keys of every kind and in an order that matters to none.
import { createSync } from 'nango';
import { z } from 'zod';

const Config = z.object({ id: z.string(), tree: z.any() });

const sync = createSync({
    description: 'Configurations as they are',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Config },

    exec: async (nango) => {
        const { data } = await nango.get({ endpoint: '/config' });
        let deep: unknown = 'bottom';
        for (let level = 0; level < 50; level++) deep = level % 2 ? [deep] : { [`level ${level}`]: deep };
        await nango.batchSave([
            { id: 'given', tree: data },
            { id: 'deep', tree: deep },
            { id: 'keys', tree: { '': 1, ' ': 2, 'a.b': 3, 'ü': 4, '🌊': 5, '1': 6, '01': 7, constructor: 8, toString: 9, 'line\nbreak': 10 } },
            { id: 'wide', tree: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${499 - i}`, i])) }
        ], 'Config');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
