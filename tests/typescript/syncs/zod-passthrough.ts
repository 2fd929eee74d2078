// `passthrough` keeps what is not named, a plain object drops it, `strict` refuses it.
import { createSync } from 'nango';
import { z } from 'zod';

const fields = { id: z.string(), name: z.string() };
const Open = z.object(fields).passthrough();
const Closed = z.object(fields);
const Verdict = z.object({ id: z.string(), strict: z.boolean(), keys: z.array(z.string()) });

const sync = createSync({
    description: 'Objects with fields of the customer',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Open, Closed, Verdict },

    exec: async (nango) => {
        const { data } = await nango.get<unknown[]>({ endpoint: '/objects' });
        await nango.batchSave(data.map((item) => Open.parse(item)), 'Open');
        await nango.batchSave(data.map((item) => Closed.parse(item)), 'Closed');
        await nango.batchSave(data.map((item: any) => {
            const result = Closed.strict().safeParse(item);
            const keys = result.success ? [] : result.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
            return { id: item.id, strict: result.success, keys };
        }), 'Verdict');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
