// An id twice, in one save and in two: the later one counts.
import { createSync } from 'nango';
import { z } from 'zod';

const Vote = z.object({ id: z.string(), choice: z.string() });

const sync = createSync({
    description: 'Votes that were changed',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Vote },

    exec: async (nango) => {
        const votes = [['a', 'yes'], ['b', 'no'], ['a', 'no'], ['c', 'yes'], ['a', 'abstain']] as const;
        await nango.batchSave(votes.map(([id, choice]) => ({ id, choice })), 'Vote');
        await nango.batchSave([{ id: 'b', choice: 'yes' }], 'Vote');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
