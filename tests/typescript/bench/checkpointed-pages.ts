// Ten pages of a hundred contacts with a checkpoint after each.
import { createSync } from 'nango';
import { z } from 'zod';

const Contact = z.object({ id: z.string(), name: z.string(), email: z.string().nullable(), modified: z.string() });

const sync = createSync({
    description: 'Contacts changed since the last run',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ since: z.string() }),
    models: { Contact },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        for await (const page of nango.paginate<{ id: number; first: string; last: string; email?: string; modified: string }>({
            endpoint: '/contacts',
            params: { since: checkpoint?.since ?? '' },
            paginate: { type: 'cursor', cursor_path_in_response: 'next', cursor_name_in_request: 'cursor', response_path: 'contacts' },
            retries: 3
        })) {
            const contacts = page.map(({ id, first, last, email, modified }) => ({ id: `${id}`, name: `${first} ${last}`, email: email ?? null, modified }));
            await nango.batchSave(contacts, 'Contact');
            const newest = contacts.reduce((latest, { modified }) => (modified > latest ? modified : latest), '');
            await nango.saveCheckpoint({ since: newest });
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
