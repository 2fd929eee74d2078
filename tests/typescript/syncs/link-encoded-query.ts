// A next link with an encoded query is sent on as it was, not encoded twice.
import { createSync } from 'nango';
import { z } from 'zod';

const Place = z.object({ id: z.string(), name: z.string() });

const sync = createSync({
    description: 'Places whose cursor is a name with everything in it',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/atlas/places' }],
    models: { Place },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ id: number; name: string }>({
            endpoint: '/places',
            params: { filter: "country eq 'Österreich' & kind=city+town", fields: 'id,name' },
            paginate: { type: 'link', link_path_in_response_body: 'next', response_path: 'places' }
        })) {
            await nango.batchSave(page.map(({ id, name }) => ({ id: String(id), name })), 'Place');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
