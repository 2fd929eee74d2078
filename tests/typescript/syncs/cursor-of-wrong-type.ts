// A cursor that is neither text nor a number, such as an object or a boolean, is the end.
import { createSync } from 'nango';
import { z } from 'zod';

const Shelf = z.object({ id: z.string() });

const sync = createSync({
    description: 'Shelves by row, whose cursors end in odd ways',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/library/shelves' }],
    models: { Shelf },

    exec: async (nango) => {
        for (const row of ['object', 'boolean', 'missing']) {
            for await (const page of nango.paginate<{ id: string }>({
                endpoint: `/rows/${row}/shelves`,
                paginate: { type: 'cursor', cursor_path_in_response: 'next', cursor_name_in_request: 'next', response_path: 'shelves' }
            })) {
                await nango.batchSave(page, 'Shelf');
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
