// `safeParse` of each item: the good ones are saved, the bad ones logged with path and message.
import { createSync } from 'nango';
import { z } from 'zod';

const Reading = z.object({ id: z.string(), value: z.number().min(0), unit: z.enum(['C', 'F']) });

const sync = createSync({
    description: 'Readings, with the broken ones left out',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Reading },

    exec: async (nango) => {
        const { data } = await nango.get<unknown[]>({ endpoint: '/readings' });
        const good: z.infer<typeof Reading>[] = [];
        for (const item of data) {
            const parsed = Reading.safeParse(item);
            if (parsed.success) {
                good.push(parsed.data);
            } else {
                for (const issue of parsed.error.issues) {
                    await nango.log(`${issue.code} at ${issue.path.join('.') || 'top'}: ${issue.message}`, { level: 'warn' });
                }
            }
        }
        await nango.batchSave(good, 'Reading');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
