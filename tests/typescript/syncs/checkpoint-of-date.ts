// A Date made to text for the checkpoint, read back and moved by an overlap.
import { createSync } from 'nango';
import { z } from 'zod';

const Commit = z.object({ id: z.string(), at: z.string() });
const OVERLAP_MS = 5 * 60 * 1000;

const sync = createSync({
    description: 'Commits since the last run and five minutes before it',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ newest: z.string() }),
    models: { Commit },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        const since = checkpoint ? new Date(new Date(checkpoint.newest).getTime() - OVERLAP_MS) : new Date(0);
        const { data } = await nango.get<{ sha: string; date: string }[]>({
            endpoint: '/commits',
            params: { since: since.toISOString(), epoch: since.getTime(), seconds: Math.floor(since.getTime() / 1000) }
        });
        await nango.batchSave(data.map(({ sha, date }) => ({ id: sha, at: new Date(date).toISOString() })), 'Commit');
        const newest = data.reduce((latest, { date }) => (new Date(date) > latest ? new Date(date) : latest), since);
        await nango.saveCheckpoint({ newest: newest.toISOString() });
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
