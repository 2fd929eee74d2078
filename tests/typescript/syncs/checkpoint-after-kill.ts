// Killed in the middle of the third page: the next run goes on after the second.
import { createSync } from 'nango';
import { z } from 'zod';

const Message = z.object({ id: z.string(), text: z.string() });

const sync = createSync({
    description: 'Messages, with a place to go on from',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ cursor: z.string() }),
    models: { Message },

    exec: async (nango) => {
        let cursor = (await nango.getCheckpoint())?.cursor;
        while (true) {
            const { data } = await nango.get<{ messages: { id: string; text: string }[]; next: string | null }>({
                endpoint: '/messages',
                params: cursor ? { cursor } : {}
            });
            await nango.batchSave(data.messages, 'Message');
            if (!data.next) break;
            cursor = data.next;
            await nango.saveCheckpoint({ cursor });
        }
        await nango.clearCheckpoint();
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
