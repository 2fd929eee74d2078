// Texts of half a megabyte, a batch of them that is too large for one call, and a long list.
import { createSync } from 'nango';
import { z } from 'zod';

const Document = z.object({ id: z.string(), body: z.string(), words: z.array(z.string()).optional() });

const sync = createSync({
    description: 'Documents with their text',
    version: '1.0.0',
    frequency: 'every day',
    models: { Document },

    exec: async (nango) => {
        const { data } = await nango.get<{ line: string }>({ endpoint: '/documents' });
        const body = data.line.repeat(10_000);
        await nango.batchSave(Array.from({ length: 20 }, (_, i) => ({ id: `doc-${i}`, body: `${i}${body}` })), 'Document');
        await nango.batchSave([{ id: 'words', body: '', words: data.line.repeat(500).split(' ') }], 'Document');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
