// `coerce` to numbers, text, booleans, dates and BigInts.
import { createSync } from 'nango';
import { z } from 'zod';

const Coerced = z.object({
    id: z.coerce.string(),
    count: z.coerce.number().int(),
    open: z.coerce.boolean(),
    at: z.coerce.date(),
    big: z.coerce.bigint()
});
const Row = z.object({ id: z.string(), count: z.number(), open: z.boolean(), at: z.string(), big: z.string() });

const sync = createSync({
    description: 'Rows that are all text',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Row },

    exec: async (nango) => {
        const { data } = await nango.get<unknown[]>({ endpoint: '/rows' });
        for (const item of data) {
            const result = Coerced.safeParse(item);
            if (!result.success) {
                await nango.log(result.error.issues.map(({ path, message }) => `${path}: ${message}`).join('; '));
                continue;
            }
            const { at, big, ...row } = result.data;
            await nango.batchSave([{ ...row, at: at.toISOString(), big: (big * 2n).toString() }], 'Row');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
