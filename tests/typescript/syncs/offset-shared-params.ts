// One params object for two paginations: what the first leaves in it is seen by the second.
import { createSync } from 'nango';
import { z } from 'zod';

const Entry = z.object({ id: z.string(), kind: z.string() });

const sync = createSync({
    description: 'Two lists with the same parameters',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/journal/entries' }],
    models: { Entry },

    exec: async (nango) => {
        const params = { lang: 'en', archived: 'false' };
        for (const kind of ['notes', 'memos']) {
            for await (const page of nango.paginate<{ id: number }>({
                endpoint: `/journal/${kind}`,
                params,
                paginate: { type: 'offset', offset_name_in_request: 'offset', limit_name_in_request: 'limit', limit: 2 }
            })) {
                await nango.batchSave(page.map(({ id }) => ({ id: `${kind}-${id}`, kind })), 'Entry');
            }
        }
        await nango.get({ endpoint: '/journal/summary', params });
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
