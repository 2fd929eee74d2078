// A do-while loop on a `has_more` flag with the last id as cursor.
import { createSync } from 'nango';
import { z } from 'zod';

const Charge = z.object({ id: z.string(), amount: z.number(), currency: z.string().length(3) });

const sync = createSync({
    description: 'Charges, newest first',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Charge },

    exec: async (nango) => {
        let startingAfter: string | undefined;
        let hasMore = true;
        do {
            const { data } = await nango.get({
                endpoint: '/v1/charges',
                params: { limit: '4', ...(startingAfter ? { starting_after: startingAfter } : {}) }
            });
            const charges: z.infer<typeof Charge>[] = data.data.map((charge: any) => ({
                id: charge.id,
                amount: charge.amount / 100,
                currency: charge.currency.toUpperCase()
            }));
            await nango.batchSave(charges, 'Charge');
            startingAfter = charges[charges.length - 1]?.id;
            hasMore = data.has_more;
        } while (hasMore);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
