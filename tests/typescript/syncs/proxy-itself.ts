// `nango.proxy` with its method in small letters, with the default one, and the response's fields.
import { createSync } from 'nango';
import { z } from 'zod';

const Call = z.object({ id: z.string(), status: z.number(), text: z.string(), type: z.string(), method: z.string() });

const sync = createSync({
    description: 'Requests by the proxy itself',
    version: '1.0.0',
    frequency: 'every day',
    models: { Call },

    exec: async (nango) => {
        const made = await nango.proxy({ method: 'POST', endpoint: '/things', data: { a: 1 } });
        const got = await nango.proxy<{ method: string }>({ endpoint: '/things' });
        for (const [id, response] of Object.entries({ made, got })) {
            await nango.batchSave([{
                id,
                status: response.status,
                text: response.statusText,
                type: String(response.headers['content-type']),
                method: response.data.method
            }], 'Call');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
