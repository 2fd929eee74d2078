// Transforms, pipes and preprocessing on the way in.
import { createSync } from 'nango';
import { z } from 'zod';

const Provider = z.object({
    ID: z.number().transform(String),
    Name: z.string().trim().toLowerCase(),
    Tags: z.string().transform((tags) => tags.split(';').filter(Boolean)).pipe(z.array(z.string().max(5))),
    Active: z.preprocess((value) => value === 'Y' || value === 1, z.boolean()),
    Price: z.string().transform((text, context) => {
        const price = Number(text.replace(',', '.'));
        if (Number.isNaN(price)) {
            context.addIssue({ code: 'custom', message: `no price: ${text}` });
            return z.NEVER;
        }
        return price;
    })
}).transform(({ ID, ...rest }) => ({ id: ID, name: rest.Name, tags: rest.Tags, active: rest.Active, price: rest.Price }));
const Ware = z.object({ id: z.string(), name: z.string(), tags: z.array(z.string()), active: z.boolean(), price: z.number() });

const sync = createSync({
    description: 'Wares of an old system',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Ware },

    exec: async (nango) => {
        const { data } = await nango.get<unknown[]>({ endpoint: '/wares' });
        for (const item of data) {
            const result = Provider.safeParse(item);
            if (result.success) await nango.batchSave([result.data], 'Ware');
            else await nango.log(JSON.stringify(z.flattenError(result.error).fieldErrors));
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
