// A GET that asks for its paging in the body with `in_body`: a GET carries no body, so every page is the first.
import { createSync } from 'nango';
import { z } from 'zod';

const Flag = z.object({ id: z.string() });

const sync = createSync({
    description: 'Flags of an odd API',
    version: '1.0.0',
    frequency: 'every day',
    endpoints: [{ method: 'GET', path: '/odd/flags' }],
    models: { Flag },

    exec: async (nango) => {
        let pages = 0;
        for await (const page of nango.paginate<{ id: string }>({
            endpoint: '/flags',
            paginate: { type: 'offset', offset_name_in_request: 'skip', in_body: true }
        })) {
            await nango.batchSave(page, 'Flag');
            if (++pages === 2) break;
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
