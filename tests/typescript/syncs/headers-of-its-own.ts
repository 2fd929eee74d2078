// Headers that the sync sets: version, accept, a number as text, names in any case.
import { createSync } from 'nango';
import { z } from 'zod';

const Contact = z.object({ id: z.string(), version: z.string() });

const sync = createSync({
    description: 'Contacts with a dated API version',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Contact },

    exec: async (nango) => {
        const { data } = await nango.get({
            endpoint: '/contacts',
            headers: { 'Example-Version': '2.11', Accept: 'application/vnd.example+json', 'X-Page-Size': '50', 'if-modified-since': 'Sun, 01 Nov 2026 00:00:00 GMT' }
        });
        await nango.batchSave(data.contacts, 'Contact');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
