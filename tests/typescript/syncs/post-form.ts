// A form: URLSearchParams as text with its content type, and as the object itself.
import { createSync } from 'nango';
import { z } from 'zod';

const Token = z.object({ id: z.string(), got: z.string() });

const sync = createSync({
    description: 'Requests by form',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Token },

    exec: async (nango) => {
        const form = new URLSearchParams({ grant: 'x y', list: 'a,b' });
        form.append('list', 'ü&=');
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        const asText = await nango.post({ endpoint: '/form', headers, data: form.toString() });
        const asObject = await nango.post({ endpoint: '/form', headers, data: form });
        await nango.batchSave([{ id: 'text', got: asText.data }, { id: 'object', got: asObject.data }], 'Token');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
