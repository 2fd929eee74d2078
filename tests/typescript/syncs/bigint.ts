// BigInt: ids beyond 2^53, literals, arithmetic, text in other bases, comparison and sorting.
import { createSync } from 'nango';
import { z } from 'zod';

const Id = z.object({ id: z.string(), next: z.string(), hex: z.string(), small: z.boolean() });

const sync = createSync({
    description: 'Snowflake ids',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Id },

    exec: async (nango) => {
        const { data } = await nango.get<{ ids: string[] }>({ endpoint: '/snowflakes' });
        const ids = data.ids.map((id) => BigInt(id)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        await nango.batchSave(ids.map((id) => ({
            id: id.toString(),
            next: (id * 2n + 1n - (id % 7n)).toString(),
            hex: BigInt.asUintN(64, id << 3n).toString(16),
            small: id <= BigInt(Number.MAX_SAFE_INTEGER) && Number(id) === parseInt(id.toString())
        })), 'Id');
        const first = ids[0] ?? 0n;
        const at = new Date(Number((first >> 22n) + 1420070400000n)).toISOString();
        await nango.batchSave([{ id: 'at', next: at, hex: typeof first, small: first === 0n }], 'Id');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
