// A for loop over a total that the first page tells, with a header instead of the body.
import { createSync } from 'nango';
import { z } from 'zod';

const Book = z.object({ id: z.string(), title: z.string() });

const sync = createSync({
    description: 'Books by the total in a header',
    version: '1.0.0',
    frequency: 'every day',
    models: { Book },

    exec: async (nango) => {
        const first = await nango.get({ endpoint: '/books', params: { from: 0, to: 4 } });
        const total = parseInt(first.headers['x-total-count'], 10);
        await nango.batchSave(first.data, 'Book');
        for (let from = 4; from < total; from += 4) {
            const { data } = await nango.get({ endpoint: '/books', params: { from, to: Math.min(from + 4, total) } });
            await nango.batchSave(data, 'Book');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
