// Corners of the language: labels, generators, tagged templates, getters, proxies, symbols, destructuring, nullish words.
import { createSync } from 'nango';
import { z } from 'zod';

const Corner = z.object({ id: z.string(), value: z.any() });

function* upTo(limit: number): Generator<number, string, boolean | undefined> {
    for (let n = 0; n < limit; n++) {
        if (yield n) return 'stopped';
    }
    return 'done';
}
const tag = (parts: TemplateStringsArray, ...values: unknown[]) => parts.raw.join('|') + values.join('+');
const range = { *[Symbol.iterator]() { yield* [1, 2]; yield 3; } };

const sync = createSync({
    description: 'Corners, one each',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Corner },

    exec: async (nango) => {
        const found: string[] = [];
        outer: for (let i = 0; i < 4; i++) {
            for (let j = 0; j < 4; j++) {
                if (j === 2) continue outer;
                if (i === 2) break outer;
                found.push(`${i}${j}`);
            }
        }
        const generator = upTo(9);
        const { a: { b = 5, ...rest } = {} as any, ['c']: renamed, ...others } = { a: { x: 1 }, c: 'c', d: 'd' } as any;
        const defaults = new Proxy({} as Record<string, number>, { get: (target, key) => target[String(key)] ?? 42 });
        let nothing: { deep?: { list?: number[] } } | undefined;
        let level: number | null = null;
        const zero: number | undefined = found.length - found.length;
        level ??= 3;
        const values: Record<string, unknown> = {
            found,
            generator: [generator.next().value, generator.next().value, generator.next(true).value],
            tag: tag`a\n${1}b${2}`,
            range: [...range, Math.max(...range)],
            destructured: [b, rest, renamed, others],
            proxy: defaults['anything'],
            optional: [nothing?.deep?.list?.[0] ?? 'none', level, zero || 'or', zero ?? 'nullish', '' + (zero || '') || null],
            comma: (() => { let i = 0; return (i++, i++, i); })(),
            closures: [1, 2, 3].map((n) => () => n * n).map((call) => call()),
            hoisted: hoisted(),
            exponent: 2 ** 10 + -(2 ** 3) + 0b101 + 0o17 + 0xff + 1_000,
            typeof: [typeof null, typeof undefined, typeof Symbol.iterator, typeof 1n, typeof (() => 1)],
            swap: (([x, y]) => [y, x])([1, 2]),
            caught: (() => { try { return 'try'; } finally { found.push('finally'); } })(),
            date: Reflect.ownKeys({ [Symbol.for('s')]: 1, z: 1, 2: 1, 1: 1 }).length,
            getter: Object.getOwnPropertyDescriptor({ get x() { return 1; } }, 'x')?.set === undefined,
            string: ['abc'.at(-1), 'a-b'.split('-', 1), 'x'.repeat(3), 'abc'.substring(2, 0), ' t '.trimEnd(), 'ß'.toUpperCase(), 'İ'.toLowerCase().length],
            parse: [parseInt('08.5kg'), parseFloat('1e3x'), Number(''), Number(' 12 '), Number('0x1f'), Number('1,5')].map(String),
            uri: [encodeURI('a b/ü?x=1&y'), decodeURIComponent('%F0%9F%8C%8A'), escape('ü')]
        };
        await nango.batchSave(Object.entries(values).map(([id, value]) => ({ id, value: value ?? null })), 'Corner');
    }
});

function hoisted(): string {
    return 'hoisted';
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
