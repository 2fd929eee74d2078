// The other methods, each with the body that it may have.
import { createSync } from 'nango';
import { z } from 'zod';

const Call = z.object({ id: z.string(), method: z.string(), body: z.string(), status: z.number() });

const sync = createSync({
    description: 'A view that is made, changed and taken away',
    version: '1.0.0',
    frequency: 'every day',
    models: { Call },

    exec: async (nango) => {
        const responses = [
            await nango.put({ endpoint: '/views/1', data: { name: 'mine' } }),
            await nango.patch({ endpoint: '/views/1', data: { shared: true } }),
            await nango.delete({ endpoint: '/views/1', params: { hard: 'true' } }),
            await nango.delete({ endpoint: '/views/2', data: { reason: 'old' } })
        ];
        await nango.batchSave(responses.map(({ data, status }, index) => ({ id: String(index), status, ...data })), 'Call');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
