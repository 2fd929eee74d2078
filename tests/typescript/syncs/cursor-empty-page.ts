// An empty page ends a cursor, even if there is another cursor.
import { createSync } from 'nango';
import { z } from 'zod';

const Parcel = z.object({ id: z.string(), weight: z.number() });

const sync = createSync({
    description: 'Parcels, with a hole in the pages',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/post/parcels' }],
    models: { Parcel },

    exec: async (nango) => {
        const seen: string[] = [];
        for await (const page of nango.paginate<{ id: string; weight: number }>({
            endpoint: '/parcels',
            paginate: {
                type: 'cursor',
                cursor_path_in_response: 'next',
                cursor_name_in_request: 'token',
                response_path: 'parcels',
                on_page: async ({ nextPageParam }) => {
                    seen.push(String(nextPageParam));
                }
            }
        })) {
            await nango.batchSave(page, 'Parcel');
        }
        await nango.log(`cursors: ${seen.join(' ')}`);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
