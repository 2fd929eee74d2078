// `Promise.all` over requests, its results in the order of what was asked.
import { createSync } from 'nango';
import { z } from 'zod';

const Device = z.object({ id: z.string(), online: z.boolean() });

const sync = createSync({
    description: 'Devices, asked for all at once',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    models: { Device },

    exec: async (nango) => {
        const ids = ['d1', 'd2', 'd3', 'd4', 'd5'];
        const devices = await Promise.all(ids.map(async (id) => {
            const { data } = await nango.get<{ online: boolean }>({ endpoint: `/devices/${id}` });
            return { id, online: data.online };
        }));
        await nango.batchSave(devices, 'Device');

        const settled = await Promise.allSettled([nango.get({ endpoint: '/devices/d1' }), nango.get({ endpoint: '/nowhere' })]);
        await nango.batchSave([{ id: settled.map(({ status }) => status).join('+'), online: true }], 'Device');
        const first = await Promise.any([Promise.reject(new Error('no')), nango.get({ endpoint: '/devices/d2' })]);
        await nango.batchSave([{ id: `any ${first.status}`, online: true }], 'Device');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
