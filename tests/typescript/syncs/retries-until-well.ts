// 503 and 429 are tried again as often as `retries` says.
import { createSync } from 'nango';
import { z } from 'zod';

const Quote = z.object({ id: z.string(), tries: z.number() });

const sync = createSync({
    description: 'Quotes of a provider that is busy',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Quote },

    exec: async (nango) => {
        for (const symbol of ['AAA', 'BBB']) {
            const { data } = await nango.get({ endpoint: `/quotes/${symbol}`, retries: 3 });
            await nango.batchSave([{ id: symbol, tries: data.tries }], 'Quote');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
