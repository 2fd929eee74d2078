import { createSync } from 'nango';
import * as z from 'zod';

/** What an app gets. A field that is not named here is left out. */
const User = z.object({
    id: z.string(),
    name: z.string(),
    real_name: z.string().nullish(),
});

const sync = createSync({
    description: 'All members of the workspace, fetched whole each hour.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    models: { User },

    exec: async (nango) => {
        // What this run does not save has been removed at the provider.
        await nango.trackDeletesStart('User');
        const pages = nango.paginate<z.infer<typeof User>>({
            endpoint: '/users',
            params: { limit: 200 },
            paginate: {
                type: 'cursor',
                cursor_name_in_request: 'cursor',
                cursor_path_in_response: 'response_metadata.next_cursor',
                response_path: 'members',
            },
            retries: 3,
        });
        for await (const page of pages) {
            // One page in memory, whatever their number.
            await nango.batchSave(page.map((user) => User.parse(user)), 'User');
        }
        await nango.trackDeletesEnd('User');
    },
});

export default sync;
