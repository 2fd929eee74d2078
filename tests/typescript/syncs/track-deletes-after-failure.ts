// A run that fails in its pass deletes nothing; the next whole run does.
import { createSync } from 'nango';
import { z } from 'zod';

const Host = z.object({ id: z.string() });

const sync = createSync({
    description: 'Hosts of a data centre',
    version: '1.0.0',
    frequency: 'every hour',
    syncType: 'full',
    models: { Host },

    exec: async (nango) => {
        await nango.trackDeletesStart('Host');
        for (let page = 1; page <= 3; page++) {
            const { data } = await nango.get<string[]>({ endpoint: '/hosts', params: { page } });
            await nango.batchSave(data.map((id) => ({ id })), 'Host');
        }
        await nango.trackDeletesEnd('Host');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
