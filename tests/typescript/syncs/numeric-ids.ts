// Ids that are numbers in the data, made to text in each way that authors have.
import { createSync } from 'nango';
import { z } from 'zod';

const Account = z.object({ id: z.string(), made: z.string() });

const sync = createSync({
    description: 'Accounts with numbers for ids',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Account },

    exec: async (nango) => {
        const { data } = await nango.get<{ ids: number[] }>({ endpoint: '/accounts' });
        const ways: [string, (id: number) => string][] = [
            ['String', (id) => String(id)],
            ['toString', (id) => id.toString()],
            ['template', (id) => `${id}-t`],
            ['plus', (id) => '' + (id + 0.5)],
            ['padded', (id) => id.toString().padStart(12, '0')],
            ['hex', (id) => `0x${id.toString(16)}`]
        ];
        for (const [made, make] of ways) {
            await nango.batchSave(data.ids.map((id) => ({ id: made === 'String' ? make(id) : `${made}:${make(id)}`, made })), 'Account');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
