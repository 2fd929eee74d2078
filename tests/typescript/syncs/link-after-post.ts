// A POST with a body whose next pages are links: the body goes along, the parameters do not.
import { createSync } from 'nango';
import { z } from 'zod';

const Hit = z.object({ id: z.string() });

const sync = createSync({
    description: 'Search results',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/search/hits' }],
    models: { Hit },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ id: string }>({
            method: 'POST',
            endpoint: '/search',
            data: { words: ['tide', 'gate'] },
            params: { explain: 'false' },
            paginate: { type: 'link', link_path_in_response_body: 'more', response_path: 'hits', limit_name_in_request: 'size', limit: 2 }
        })) {
            await nango.batchSave(page, 'Hit');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
