// JSON bodies: nested, with nulls, dates and undefined, and a list at the top.
import { createSync } from 'nango';
import { z } from 'zod';

const Answer = z.object({ id: z.string(), body: z.string() });

const sync = createSync({
    description: 'Searches by JSON bodies',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Answer },

    exec: async (nango) => {
        const bodies: unknown[] = [
            { filter: { and: [{ field: 'age', gt: 21 }, { field: 'name', like: 'ü%' }] }, cursor: null, limit: 10, skip: undefined },
            [{ op: 'list', args: [] }],
            { since: new Date(Date.UTC(2026, 0, 31, 12)), flag: false, zero: 0, empty: '', emoji: '🧭' }
        ];
        for (const [index, data] of bodies.entries()) {
            const response = await nango.post({ endpoint: '/search', data, retries: 3 });
            await nango.batchSave([{ id: String(index), body: JSON.stringify(response.data.got) }], 'Answer');
        }
        const none = await nango.post({ endpoint: '/search' });
        await nango.batchSave([{ id: 'none', body: JSON.stringify(none.data.got) }], 'Answer');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
