/**
 * Checkpoint: of tens of thousands of contacts, only those travel that changed since the
 * last page that was saved.
 */
import { createSync } from 'nango';
import { z } from 'zod';
import { Contact, contactsQuery, QueryResult, toContact } from '../contact.js';

const sync = createSync({
    description: 'Contacts, as they change.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    endpoints: [{ method: 'GET', path: '/salesforce/contacts', group: 'Contacts' }],
    models: { Contact },
    checkpoint: z.object({ lastModifiedISO: z.string() }),

    exec: async (nango) => {
        // Null on the first run, which fetches everything.
        const checkpoint = await nango.getCheckpoint();

        let next: ReturnType<typeof contactsQuery> | undefined = contactsQuery(checkpoint?.lastModifiedISO);
        while (next) {
            const response = await nango.get({ ...next, retries: 10 });
            const page = QueryResult.parse(response.data);
            const contacts = page.records.map(toContact);
            // The page leaves memory with the next one.
            await nango.batchSave(contacts, 'Contact');

            const last = contacts.at(-1);
            if (last) {
                // After the save: whatever happens next, a run goes on from here.
                await nango.saveCheckpoint({ lastModifiedISO: last.last_modified });
            }
            next = page.nextRecordsUrl ? { endpoint: page.nextRecordsUrl } : undefined;
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
