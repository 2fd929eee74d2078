// Requests to another origin than the connection's, with and without a path in it.
import { createSync } from 'nango';
import { z } from 'zod';

const Zone = z.object({ id: z.string(), from: z.string() });

const sync = createSync({
    description: 'Zones from the regional API that the settings name',
    version: '1.0.0',
    frequency: 'every hour',
    metadata: z.object({ regional: z.string() }),
    models: { Zone },

    exec: async (nango) => {
        const { regional } = await nango.getMetadata();
        for (const [base, endpoint] of [
            [regional, '/zones'],
            [`${regional}/`, 'zones'],
            [`${regional}/v2`, '/zones'],
            [`${regional}/v2/`, 'zones?x=1']
        ] as const) {
            const { data } = await nango.get<{ zone: string }>({ baseUrlOverride: base, endpoint, params: { all: 'true' } });
            await nango.batchSave([{ id: data.zone, from: endpoint }], 'Zone');
        }
        const home = await nango.get<{ zone: string }>({ endpoint: '/zones' });
        await nango.batchSave([{ id: home.data.zone, from: 'home' }], 'Zone');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
