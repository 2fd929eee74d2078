// A flag: the first run fetches all, the later ones only what is recent.
import { createSync } from 'nango';
import { z } from 'zod';

const Post = z.object({ id: z.string(), likes: z.number() });

const sync = createSync({
    description: 'Posts, all of them once and then the newest',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ backfilled: z.boolean() }),
    models: { Post },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        const scope = checkpoint?.backfilled ? 'recent' : 'all';
        const { data } = await nango.get({ endpoint: `/posts/${scope}` });
        await nango.batchSave(data, 'Post');
        await nango.saveCheckpoint({ backfilled: true });
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
