// A pause between pages by `setTimeout`, and one that grows when the provider says so.
import { createSync } from 'nango';
import { z } from 'zod';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const Tweet = z.object({ id: z.string(), waited: z.boolean() });

const sync = createSync({
    description: 'Posts, not too fast',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Tweet },

    exec: async (nango) => {
        const started = Date.now();
        for (let page = 1, pause = 10; page <= 3; page++) {
            try {
                const { data } = await nango.get<{ id: string }[]>({ endpoint: '/posts', params: { page } });
                await sleep(pause);
                await nango.batchSave(data.map(({ id }) => ({ id, waited: Date.now() - started >= 10 })), 'Tweet');
            } catch (error: any) {
                if (error.response?.status !== 420) throw error;
                pause *= Number(error.response.headers['x-slow-down']);
                await sleep(pause);
                page--;
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
