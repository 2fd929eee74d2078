// A missing detail is left out, any other failure is thrown on.
import { createSync } from 'nango';
import { z } from 'zod';

const Profile = z.object({ id: z.string(), bio: z.string() });

const sync = createSync({
    description: 'Profiles, some of which are gone',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Profile },

    exec: async (nango) => {
        const { data } = await nango.get<{ ids: string[] }>({ endpoint: '/people' });
        for (const id of data.ids) {
            const profile = await profileOf(nango, id);
            if (profile) await nango.batchSave([profile], 'Profile');
        }
    }
});

async function profileOf(nango: NangoSyncLocal, id: string): Promise<z.infer<typeof Profile> | null> {
    try {
        const { data } = await nango.get({ endpoint: `/people/${id}/profile` });
        return { id, bio: data.bio };
    } catch (error) {
        if (isStatus(error, 404)) {
            await nango.log(`no profile of ${id}`, { level: 'warn' });
            return null;
        }
        throw error;
    }
}

function isStatus(error: unknown, status: number): boolean {
    return typeof error === 'object' && error !== null && 'response' in error && (error as { response?: { status?: number } }).response?.status === status;
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
