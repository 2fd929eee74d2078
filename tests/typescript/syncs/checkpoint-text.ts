// A time as text: only what changed since the last run is asked for.
import { createSync } from 'nango';
import { z } from 'zod';

const Contact = z.object({ id: z.string(), name: z.string(), modified: z.string() });

const sync = createSync({
    description: 'Contacts changed since the last run',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'incremental',
    checkpoint: z.object({ lastModifiedISO: z.string() }),
    models: { Contact },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        let last = checkpoint?.lastModifiedISO;
        for await (const page of nango.paginate<z.infer<typeof Contact>>({
            endpoint: '/contacts',
            params: { order: 'modified', ...(last ? { since: last } : {}) },
            paginate: { type: 'offset', offset_name_in_request: 'offset', limit_name_in_request: 'limit', limit: 4, response_path: 'contacts' },
            retries: 3
        })) {
            await nango.batchSave(page, 'Contact');
            last = page[page.length - 1]?.modified ?? last;
            if (last) await nango.saveCheckpoint({ lastModifiedISO: last });
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
