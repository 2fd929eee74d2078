// Numbers at the edges: beyond 2^53, exponents, negative zero, long fractions.
import { createSync } from 'nango';
import { z } from 'zod';

const Measure = z.object({ id: z.string(), value: z.number(), text: z.string() });

const sync = createSync({
    description: 'Measures of every size',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Measure },

    exec: async (nango) => {
        const { data } = await nango.get<{ values: number[] }>({ endpoint: '/measures' });
        await nango.batchSave(data.values.map((value, index) => ({ id: String(index), value, text: `${value} ${value.toFixed(2)} ${value.toString(Number.isSafeInteger(value) ? 36 : 10)}` })), 'Measure');
        const sums = [0.1 + 0.2, 1 / 3, 5e-324, Number.MAX_SAFE_INTEGER + 2, (1234.5678).toPrecision(3), (25).toExponential(3), Math.round(-0.5), Math.hypot(3, 4)];
        await nango.batchSave(sums.map((sum, index) => ({ id: `sum-${index}`, value: Number(sum), text: String(sum) })), 'Measure');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
