// A link yields an empty page, and a missing one as undefined, and goes on.
import { createSync } from 'nango';
import { z } from 'zod';

const Night = z.object({ id: z.string(), guests: z.number() });

const sync = createSync({
    description: 'Nights of a hotel, some without guests',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/hotel/nights' }],
    models: { Night },

    exec: async (nango) => {
        let page = 0;
        for await (const guests of nango.paginate<{ name: string }>({
            endpoint: '/nights/1',
            paginate: { type: 'link', link_path_in_response_body: 'tomorrow', response_path: 'guests' }
        })) {
            page += 1;
            await nango.batchSave([{ id: `night-${page}`, guests: guests === undefined ? -1 : guests.length }], 'Night');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
