// Null, undefined and left-out fields: undefined is left out, null is kept.
import { createSync } from 'nango';
import { z } from 'zod';

const Row = z.object({
    id: z.string(),
    a: z.string().optional(),
    b: z.string().nullable(),
    c: z.string().nullish(),
    nested: z.object({ d: z.number().optional(), e: z.null() }).optional(),
    list: z.array(z.union([z.number(), z.null()]))
});

const sync = createSync({
    description: 'Rows with gaps',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Row },

    exec: async (nango) => {
        await nango.batchSave([
            { id: 'null', b: null, c: null, list: [null, 1] },
            { id: 'undefined', a: undefined, b: 'b', c: undefined, nested: { d: undefined, e: null }, list: [undefined as any, 2] },
            { id: 'none', b: '', list: [] }
        ], 'Row');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
