// `responseType`: a body as bytes, put into a record in base64, and as text that is not parsed.
import { createSync } from 'nango';
import { z } from 'zod';

const File = z.object({ id: z.string(), base64: z.string(), size: z.number() });

const sync = createSync({
    description: 'Small files',
    version: '1.0.0',
    frequency: 'every day',
    models: { File },

    exec: async (nango) => {
        const { data } = await nango.get({ endpoint: '/logo.png', responseType: 'arraybuffer' });
        const bytes = Buffer.from(data);
        const text = await nango.get<string>({ endpoint: '/numbers.json', responseType: 'text' });
        await nango.batchSave([
            { id: 'logo', base64: bytes.toString('base64'), size: bytes.length },
            { id: 'numbers', base64: typeof text.data, size: String(text.data).length }
        ], 'File');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
