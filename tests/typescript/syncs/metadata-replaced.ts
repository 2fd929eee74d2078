// `setMetadata` replaces all of it, `updateMetadata` only its top level; both are read back at once.
import { createSync } from 'nango';
import { z } from 'zod';

const Look = z.object({ id: z.string(), metadata: z.any() });

const sync = createSync({
    description: 'Settings that change under way',
    version: '1.0.0',
    frequency: 'every hour',
    metadata: z.object({ a: z.number().optional(), b: z.object({ x: z.number().optional(), y: z.number().optional() }).optional(), c: z.array(z.number()).optional(), owner: z.string().optional() }),
    models: { Look },

    exec: async (nango) => {
        const look = async (id: string) => nango.batchSave([{ id, metadata: await nango.getMetadata() }], 'Look');
        await look('0 at first');
        await nango.updateMetadata({ b: { y: 2 }, c: [9] });
        await look('1 updated');
        await nango.setMetadata({ a: 5 });
        await look('2 replaced');
        await nango.updateMetadata({ owner: 'ünï' });
        const connection = await nango.getConnection();
        await nango.batchSave([{ id: '3 by the connection', metadata: connection.metadata }], 'Look');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
