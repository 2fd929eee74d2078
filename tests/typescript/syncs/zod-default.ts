// Defaults, catches and prefaults where fields are missing or wrong.
import { createSync } from 'nango';
import { z } from 'zod';

const Settings = z.object({
    id: z.string(),
    theme: z.string().default('light'),
    size: z.number().catch(10),
    flags: z.object({ beta: z.boolean().default(false), level: z.number().default(1) }).prefault({}),
    list: z.array(z.string()).default(() => ['fresh']),
    note: z.string().nullish().transform((note) => note ?? '-')
});

const sync = createSync({
    description: 'Settings made whole',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Settings: z.object({ id: z.string(), theme: z.string(), size: z.number(), flags: z.any(), list: z.array(z.string()), note: z.string() }) },

    exec: async (nango) => {
        const { data } = await nango.get<unknown[]>({ endpoint: '/settings' });
        await nango.batchSave(z.array(Settings).parse(data), 'Settings');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
