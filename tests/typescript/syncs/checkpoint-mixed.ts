// Text, number and flag together, saved page by page; a run goes on within the list it was in.
import { createSync } from 'nango';
import { z } from 'zod';

const Line = z.object({ id: z.string(), list: z.string() });
const LISTS = ['alpha', 'beta', 'gamma'];

const sync = createSync({
    description: 'Lines of three lists with the place in them',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ list: z.string(), page: z.number(), done: z.boolean() }),
    models: { Line },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        let start = checkpoint && !checkpoint.done ? LISTS.indexOf(checkpoint.list) : 0;
        let page = checkpoint && !checkpoint.done ? checkpoint.page : 1;
        for (; start < LISTS.length; start++, page = 1) {
            const list = LISTS[start]!;
            for (;;) {
                const { data } = await nango.get<{ lines: string[]; more: boolean }>({ endpoint: `/lists/${list}`, params: { page } });
                await nango.batchSave(data.lines.map((id) => ({ id, list })), 'Line');
                page += 1;
                await nango.saveCheckpoint({ list, page, done: start === LISTS.length - 1 && !data.more });
                if (!data.more) break;
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
