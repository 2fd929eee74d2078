// Deletes that the provider tells of: by id, by whole records, of what is not there, of nothing.
import { createSync } from 'nango';
import { z } from 'zod';

const Lead = z.object({ id: z.string(), email: z.string() });

const sync = createSync({
    description: 'Leads, with the list of those deleted',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    models: { Lead },

    exec: async (nango) => {
        const { data } = await nango.get<{ leads: z.infer<typeof Lead>[]; deleted: string[] }>({ endpoint: '/leads' });
        await nango.batchSave(data.leads, 'Lead');
        await nango.batchDelete(data.deleted.map((id) => ({ id })), 'Lead');
        await nango.batchDelete([], 'Lead');
        const blocked = data.leads.filter(({ email }) => email.endsWith('@blocked.test'));
        await nango.batchDelete(blocked, 'Lead');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
