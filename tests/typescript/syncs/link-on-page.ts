// `on_page` of a link gets the next link, then undefined.
import { createSync } from 'nango';
import { z } from 'zod';

const Trip = z.object({ id: z.string() });
const Trail = z.object({ id: z.string(), links: z.array(z.string().nullable()), served_by: z.array(z.string()) });

const sync = createSync({
    description: 'Trips, and the trail of links to them',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/travel/trips' }],
    models: { Trip, Trail },

    exec: async (nango) => {
        const links: (string | null)[] = [];
        const served: string[] = [];
        for await (const page of nango.paginate<{ id: string }>({
            endpoint: '/trips',
            paginate: {
                type: 'link',
                link_path_in_response_body: 'paging.next',
                response_path: 'trips',
                on_page: async ({ nextPageParam, response }) => {
                    links.push(nextPageParam === undefined ? null : String(nextPageParam));
                    served.push(response.headers['x-served-by']);
                }
            }
        })) {
            await nango.batchSave(page, 'Trip');
        }
        await nango.batchSave([{ id: 'trail', links, served_by: served }], 'Trail');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
