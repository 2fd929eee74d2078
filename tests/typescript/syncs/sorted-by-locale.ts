// Names in the order of `localeCompare`: case, accents, punctuation, numbers within text.
import { createSync } from 'nango';
import { z } from 'zod';

const Name = z.object({ id: z.string(), place: z.number() });

const sync = createSync({
    description: 'Names in order',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Name },

    exec: async (nango) => {
        const { data } = await nango.get<{ names: string[] }>({ endpoint: '/names' });
        const sorted = [...data.names].sort((a, b) => a.localeCompare(b));
        await nango.batchSave(sorted.map((id, place) => ({ id, place })), 'Name');
        const latest = ['2026-11-22T10:00:00Z', '2026-11-22T09:00:00Z', '2027-01-01T00:00:00Z'].sort((a, b) => b.localeCompare(a));
        await nango.batchSave(latest.map((id, place) => ({ id, place })), 'Name');
        await nango.batchSave([{ id: 'equal', place: 'a'.localeCompare('a') }, { id: 'before', place: Math.sign('a'.localeCompare('b')) }, { id: 'accent', place: Math.sign('résumé'.localeCompare('resume')) }], 'Name');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
