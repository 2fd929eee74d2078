// Nothing there: the first page is empty, nothing is saved and the run is well.
import { createSync } from 'nango';
import { z } from 'zod';

const Alert = z.object({ id: z.string() });

const sync = createSync({
    description: 'Alerts, of which there are none',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/quiet/alerts' }],
    models: { Alert },

    exec: async (nango) => {
        let pages = 0;
        for await (const page of nango.paginate<{ id: string }>({
            endpoint: '/alerts',
            paginate: { type: 'offset', offset_name_in_request: 'offset', response_path: 'alerts' }
        })) {
            pages += 1;
            await nango.batchSave(page, 'Alert');
        }
        await nango.log(`read ${pages} pages`);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
