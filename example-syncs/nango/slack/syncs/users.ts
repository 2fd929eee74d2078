/**
 * Full refresh: a short list, fetched whole each time. The host works out what changed and
 * who is gone.
 */
import { createSync } from 'nango';
import { z } from 'zod';

const User = z.object({
    id: z.string(),
    name: z.string(),
    real_name: z.string().nullable()
});

const Page = z.object({
    ok: z.literal(true),
    members: z.array(z.object({ id: z.string(), name: z.string(), real_name: z.string().nullish() })),
    response_metadata: z.object({ next_cursor: z.string() }).optional()
});

const sync = createSync({
    description: 'All members of the workspace, fetched whole each hour.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    endpoints: [{ method: 'GET', path: '/slack/users', group: 'Users' }],
    scopes: ['users:read'],
    models: { User },

    exec: async (nango) => {
        await nango.trackDeletesStart('User');

        let cursor: string | undefined;
        do {
            const response = await nango.get({
                endpoint: '/users',
                params: { limit: 200, ...(cursor && { cursor }) },
                retries: 10
            });
            const page = Page.parse(response.data);
            const users = page.members.map((member) => ({
                id: member.id,
                name: member.name,
                real_name: member.real_name ?? null
            }));
            // One page in memory, whatever their number.
            await nango.batchSave(users, 'User');
            cursor = page.response_metadata?.next_cursor || undefined;
        } while (cursor);

        // Whoever was not saved since the start is gone.
        await nango.trackDeletesEnd('User');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
