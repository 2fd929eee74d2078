// Locks: taken, refused to a second taker, released and taken again.
import { createSync } from 'nango';
import { z } from 'zod';

const Try = z.object({ id: z.string(), got: z.boolean() });

const sync = createSync({
    description: 'One worker at a time',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Try },

    exec: async (nango) => {
        const first = await nango.tryAcquireLock({ key: 'export', ttlMs: 60_000 });
        const other = await nango.tryAcquireLock({ key: 'import', ttlMs: 60_000 });
        const released = await nango.releaseLock({ key: 'export' });
        const again = await nango.tryAcquireLock({ key: 'export', ttlMs: 60_000 });
        await nango.batchSave(Object.entries({ first, other, released, again }).map(([id, got]) => ({ id, got })), 'Try');
        await nango.releaseAllLocks();
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
