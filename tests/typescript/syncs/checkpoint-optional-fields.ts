// A checkpoint schema with optional fields: some of them are saved, others not.
import { createSync } from 'nango';
import { z } from 'zod';

const Page = z.object({ id: z.string() });

const sync = createSync({
    description: 'Pages by token, then by time',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ token: z.string().optional(), since: z.string().optional() }) as any,
    models: { Page },

    exec: async (nango) => {
        const checkpoint = (await nango.getCheckpoint()) as { token?: string; since?: string } | null;
        const { data } = await nango.get({ endpoint: '/pages', params: { token: checkpoint?.token ?? 'none', since: checkpoint?.since ?? 'none' } });
        await nango.batchSave(data.pages, 'Page');
        await nango.saveCheckpoint((data.next ? { token: data.next } : { token: undefined, since: data.now }) as never);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
