/**
 * How not to do it: every page is held in memory before the first save. It passes every
 * test and ends at its memory cap at the first large customer. `contacts.ts`, beside it, is
 * the cure.
 */
import { createSync } from 'nango';
import { z } from 'zod';
import { Contact, contactsQuery, QueryResult, type Row, toContact } from '../contact.js';

const sync = createSync({
    description: 'Contacts, all of them in memory at once.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: false,
    endpoints: [{ method: 'GET', path: '/salesforce/contacts-accumulate', group: 'Contacts' }],
    models: { Contact },
    checkpoint: z.object({ lastModifiedISO: z.string() }),

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();

        const rows: Row[] = [];
        let next: ReturnType<typeof contactsQuery> | undefined = contactsQuery(checkpoint?.lastModifiedISO);
        while (next) {
            const response = await nango.get({ ...next, retries: 10 });
            const page = QueryResult.parse(response.data);
            rows.push(...page.records); // and none is let go
            next = page.nextRecordsUrl ? { endpoint: page.nextRecordsUrl } : undefined;
        }

        // Until here nothing is safe: a run that ends sooner has fetched all that for nothing.
        const contacts = rows.map(toContact);
        await nango.batchSave(contacts, 'Contact');
        const last = contacts.at(-1);
        if (last) {
            await nango.saveCheckpoint({ lastModifiedISO: last.last_modified });
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
