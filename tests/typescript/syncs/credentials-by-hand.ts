// An author who sets the authorization himself, from the connection's token and from `getToken`: the provider sees the same.
import { createSync } from 'nango';
import { z } from 'zod';

const Repo = z.object({ id: z.string(), way: z.string() });

const sync = createSync({
    description: 'Repositories, asked for with a token by hand',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Repo },

    exec: async (nango) => {
        const connection = await nango.getConnection();
        const credentials = connection.credentials as { type: string; access_token: string };
        if (credentials.type !== 'OAUTH2') throw new Error(`no token in credentials of type ${credentials.type}`);
        const ways: Record<string, Record<string, string>> = {
            none: {},
            connection: { Authorization: `Bearer ${credentials.access_token}` },
            token: { authorization: `Bearer ${await nango.getToken()}`, 'X-Other': 'kept' }
        };
        for (const [way, headers] of Object.entries(ways)) {
            const { data } = await nango.get<{ id: number }[]>({ endpoint: '/repos', headers });
            await nango.batchSave(data.map(({ id }) => ({ id: `${way}-${id}`, way })), 'Repo');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
