// A cursor in the body, sent back as a query parameter until it is null.
import { createSync } from 'nango';
import { z } from 'zod';

const User = z.object({ id: z.string(), name: z.string(), admin: z.boolean() });

const sync = createSync({
    description: 'Users of a chat',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'full',
    scopes: ['users:read'],
    endpoints: [{ method: 'GET', path: '/chatter/users', group: 'Users' }],
    models: { User },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ uid: string; profile: { real_name: string }; is_admin?: boolean }>({
            endpoint: '/users.list',
            params: { limit: '15' },
            paginate: {
                type: 'cursor',
                cursor_path_in_response: 'response_metadata.next_cursor',
                cursor_name_in_request: 'cursor',
                response_path: 'members',
                limit_name_in_request: 'limit'
            },
            retries: 10
        })) {
            await nango.batchSave(page.map((user) => ({ id: user.uid, name: user.profile.real_name, admin: user.is_admin === true })), 'User');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
