// Bodies that are text, empty, a number, a list, null, or JSON with another content type.
import { createSync } from 'nango';
import { z } from 'zod';

const Shape = z.object({ id: z.string(), kind: z.string(), value: z.any() });

const sync = createSync({
    description: 'Bodies of each shape',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Shape },

    exec: async (nango) => {
        for (const id of ['text', 'empty', 'no-content', 'number', 'list', 'null', 'json-as-text', 'text-as-json', 'csv', 'quoted', 'spaces']) {
            const { data, status } = await nango.get({ endpoint: `/shapes/${id}` });
            await nango.batchSave([{ id, kind: `${status} ${Array.isArray(data) ? 'list' : typeof data}`, value: data }], 'Shape');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
