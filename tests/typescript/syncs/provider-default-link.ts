// The template's pagination with one of its settings replaced by the sync.
import { createSync } from 'nango';
import { z } from 'zod';

const Meeting = z.object({ id: z.string() });

const sync = createSync({
    description: 'Meetings by the template of the provider',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/meetings' }],
    models: { Meeting },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ uri: string }>({
            endpoint: '/scheduled_events',
            paginate: { response_path: 'collection' }
        })) {
            await nango.batchSave(page.map(({ uri }) => ({ id: uri.split('/').pop() ?? uri })), 'Meeting');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
