// A change of some fields of records that are there; nested objects are merged, lists replaced.
import { createSync } from 'nango';
import { z } from 'zod';

const Server = z.object({
    id: z.string(),
    name: z.string(),
    load: z.object({ cpu: z.number(), memory: z.number().optional() }).optional(),
    tags: z.array(z.string())
});

const sync = createSync({
    description: 'Servers, then their load',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    models: { Server },

    exec: async (nango) => {
        const { data } = await nango.get<z.infer<typeof Server>[]>({ endpoint: '/servers' });
        await nango.batchSave(data, 'Server');
        await nango.batchUpdate([
            { id: 's1', load: { cpu: 0.9 } } as any,
            { id: 's2', tags: ['only'] },
            { id: 'unknown', name: 'never saved' },
            { id: 's3', name: 'renamed', load: { cpu: 1, memory: 2 } }
        ], 'Server');
        await nango.batchUpdate([], 'Server');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
