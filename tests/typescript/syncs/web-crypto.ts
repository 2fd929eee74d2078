// Web crypto: random ids of the right form, random bytes, a digest.
import { createSync } from 'nango';
import { z } from 'zod';

const Random = z.object({ id: z.string(), value: z.string() });

const sync = createSync({
    description: 'Random things and a digest',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Random },

    exec: async (nango) => {
        const ids = Array.from({ length: 20 }, () => crypto.randomUUID());
        const bytes = crypto.getRandomValues(new Uint8Array(16));
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('tide')));
        await nango.batchSave([
            { id: 'uuids', value: `${new Set(ids).size} ${ids.every((id) => z.uuidv4().safeParse(id).success)}` },
            { id: 'bytes', value: `${bytes.length} ${new Set(bytes).size > 4}` },
            { id: 'digest', value: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('') }
        ], 'Random');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
