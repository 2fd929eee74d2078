// A limit given as text goes out as text and still tells the last page.
import { createSync } from 'nango';
import { z } from 'zod';

const Member = z.object({ id: z.string(), email: z.string().optional() });

const sync = createSync({
    description: 'Members of a club',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/club/members' }],
    models: { Member },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ member_id: string; email?: string }>({
            endpoint: '/members',
            paginate: { type: 'offset', offset_name_in_request: 'skip', limit_name_in_request: 'count', limit: '6' }
        })) {
            await nango.batchSave(page.map(({ member_id, email }) => ({ id: member_id, email })), 'Member');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
