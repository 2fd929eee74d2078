// A date taken when the module is read: the run's, not the build's.
import { createSync } from 'nango';
import { z } from 'zod';

const NOW = new Date();
const SINCE = new Date(NOW.getTime() - 30 * 24 * 60 * 60 * 1000);
const Slot = z.object({ id: z.string(), synced_at: z.string(), since: z.string(), age_ms: z.number() });

const sync = createSync({
    description: 'Slots of the last thirty days',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Slot },

    exec: async (nango) => {
        const { data } = await nango.get<string[]>({ endpoint: '/slots', params: { since: SINCE.toISOString(), until: Math.floor(NOW.getTime() / 1000) } });
        const age = Date.now() - NOW.getTime();
        await nango.batchSave(data.map((id) => ({ id, synced_at: new Date().toISOString(), since: SINCE.toISOString().slice(0, 10), age_ms: age >= 0 && age < 60_000 ? 0 : age })), 'Slot');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
