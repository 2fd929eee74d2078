// A sequence number; the run after it asks from there, and nothing new leaves it as it is.
import { createSync } from 'nango';
import { z } from 'zod';

const Event = z.object({ id: z.string(), type: z.string() });

const sync = createSync({
    description: 'Events by their sequence',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    checkpoint: z.object({ sequence: z.number() }),
    models: { Event },

    exec: async (nango) => {
        const from = (await nango.getCheckpoint())?.sequence ?? 0;
        const { data } = await nango.get<{ events: { seq: number; type: string }[] }>({ endpoint: '/events', params: { after: from } });
        if (data.events.length === 0) {
            await nango.log('nothing new');
            return;
        }
        await nango.batchSave(data.events.map(({ seq, type }) => ({ id: String(seq), type })), 'Event');
        await nango.saveCheckpoint({ sequence: Math.max(...data.events.map(({ seq }) => seq)) });
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
