// Items behind an array index in the response path.
import { createSync } from 'nango';
import { z } from 'zod';

const Reading = z.object({ id: z.string(), celsius: z.number() });

const sync = createSync({
    description: 'Readings of the first sensor',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/sensors/readings' }],
    models: { Reading },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ t: number; c: number }>({
            endpoint: '/sensors/readings',
            paginate: {
                type: 'offset',
                offset_name_in_request: 'page',
                offset_calculation_method: 'per-page',
                response_path: 'sensors[0].series.points'
            }
        })) {
            await nango.batchSave(page.map(({ t, c }) => ({ id: t.toString(), celsius: c })), 'Reading');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
