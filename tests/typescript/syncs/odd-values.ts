// What JSON makes of values that it has no word for: NaN, Infinity, dates, functions, symbols, toJSON.
import { createSync } from 'nango';
import { z } from 'zod';

class Money {
    constructor(private readonly cents: number) {}
    toJSON() {
        return { amount: (this.cents / 100).toFixed(2) };
    }
}

const Thing = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'Things that are no plain data',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Thing },

    exec: async (nango) => {
        const values: Record<string, unknown> = {
            nan: NaN,
            infinity: [Infinity, -Infinity],
            negativeZero: -0,
            date: new Date(Date.UTC(2026, 10, 22, 16, 5, 6, 70)),
            invalidDate: new Date('nonsense'),
            function: () => 1,
            inList: [() => 1, undefined, Symbol('s')],
            money: new Money(1234),
            map: new Map([['a', 1]]),
            set: new Set([1]),
            regex: /x/g,
            boxed: [new String('s'), new Number(5), new Boolean(false)],
            error: new Error('hidden'),
            sparse: [1, , 3],
            proto: Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } }),
            getter: { get computed() { return 6 * 7; } },
            symbolKey: { [Symbol('k')]: 1, plain: 2 }
        };
        await nango.batchSave(Object.entries(values).map(([id, value]) => ({ id, value })), 'Thing');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
