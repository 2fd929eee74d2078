// `zodValidateInput`: data that fits comes back parsed, other data is logged and raised.
import { createSync } from 'nango';
import { z } from 'zod';

const Given = z.object({ since: z.string(), limit: z.number().default(10) });
const Out = z.object({ id: z.string(), limit: z.number() });

const sync = createSync({
    description: 'Input checks within a sync',
    version: '1.0.0',
    frequency: 'every hour',
    metadata: z.object({ since: z.any(), limit: z.any() }).partial() as any,
    models: { Out },

    exec: async (nango) => {
        const input = await nango.getMetadata();
        const parsed = await nango.zodValidateInput({ zodSchema: Given, input });
        await nango.batchSave([{ id: parsed.data.since, limit: parsed.data.limit }], 'Out');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
