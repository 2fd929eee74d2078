// `catchall` checks what is not named, `looseObject` and `strictObject` are its kin.
import { createSync } from 'nango';
import { z } from 'zod';

const Custom = z.object({ id: z.string(), name: z.string().nullable() }).catchall(z.union([z.string(), z.number(), z.null()]));
const Loose = z.looseObject({ id: z.string() });

const sync = createSync({
    description: 'Objects with typed extra fields',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Custom, Loose },

    exec: async (nango) => {
        const { data } = await nango.get<unknown[]>({ endpoint: '/custom' });
        for (const item of data) {
            const parsed = Custom.safeParse(item);
            if (parsed.success) await nango.batchSave([parsed.data], 'Custom');
            else await nango.log(z.prettifyError(parsed.error));
        }
        await nango.batchSave(data.map((item) => Loose.parse(item)), 'Loose');
        const strict = z.strictObject({ id: z.string() }).safeParse(data[0]);
        await nango.log(strict.success ? 'fits' : strict.error.message);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
