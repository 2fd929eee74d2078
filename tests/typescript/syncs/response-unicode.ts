// Text of every kind in a body: escapes, astral characters, a byte order mark, control characters, separators.
import { createSync } from 'nango';
import { z } from 'zod';

const Text = z.object({ id: z.string(), text: z.string(), length: z.number(), points: z.number() });

const sync = createSync({
    description: 'Texts in many scripts',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Text },

    exec: async (nango) => {
        const { data } = await nango.get<{ texts: string[] }>({ endpoint: '/texts' });
        await nango.batchSave(data.texts.map((text, index) => ({ id: String(index), text, length: text.length, points: [...text].length })), 'Text');
        const marked = await nango.get({ endpoint: '/marked' });
        await nango.batchSave([{ id: 'marked', text: JSON.stringify(marked.data), length: 0, points: 0 }], 'Text');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
