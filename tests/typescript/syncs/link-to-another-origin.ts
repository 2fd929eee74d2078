// A next page on another origin than the connection's.
import { createSync } from 'nango';
import { z } from 'zod';

const Photo = z.object({ id: z.string() });

const sync = createSync({
    description: 'Photos that move to a shard after the first page',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/album/photos' }],
    models: { Photo },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ id: string }>({
            endpoint: '/photos',
            paginate: { type: 'link', link_path_in_response_body: 'next', response_path: 'photos' }
        })) {
            await nango.batchSave(page, 'Photo');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
