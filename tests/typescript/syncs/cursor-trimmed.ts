// A cursor is trimmed, and one of nothing but blanks is the end.
import { createSync } from 'nango';
import { z } from 'zod';

const Song = z.object({ id: z.string() });

const sync = createSync({
    description: 'Songs behind untidy cursors',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/tunes/songs' }],
    models: { Song },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ id: string }>({
            endpoint: '/songs',
            paginate: { type: 'cursor', cursor_path_in_response: 'after', cursor_name_in_request: 'after', response_path: 'songs' }
        })) {
            await nango.batchSave(page, 'Song');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
