// Grouping and joining with Map, Set, WeakMap, Object methods and the newer array methods.
import { createSync } from 'nango';
import { z } from 'zod';

const Group = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'Groups of items',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Group },

    exec: async (nango) => {
        const { data } = await nango.get<{ items: { name: string; kind: string; n: number }[] }>({ endpoint: '/items' });
        const byKind = new Map<string, Set<string>>();
        for (const { name, kind } of data.items) byKind.set(kind, (byKind.get(kind) ?? new Set()).add(name));
        const seen = new WeakMap<object, number>(data.items.map((item, index) => [item, index]));
        const values: Record<string, unknown> = {
            groups: Object.fromEntries([...byKind].map(([kind, names]) => [kind, [...names].sort()])),
            entries: [...byKind.entries()].length + byKind.size,
            weak: data.items.map((item) => seen.get(item)),
            last: [data.items.at(-1)?.name, data.items.findLast(({ n }) => n < 3)?.name, data.items.findLastIndex(({ n }) => n > 99)],
            flat: data.items.flatMap(({ name, n }) => Array<string>(n).fill(name)).slice(-3),
            nested: [1, [2, [3, [4]]]].flat(Infinity),
            sorted: data.items.toSorted((a, b) => b.n - a.n || a.name.localeCompare(b.name)).map(({ name }) => name),
            reversed: data.items.map(({ n }) => n).toReversed(),
            spliced: [1, 2, 3, 4].toSpliced(1, 2, 9),
            with: [1, 2, 3].with(1, 7),
            own: Object.hasOwn({ a: 1 }, 'a') && !Object.hasOwn({}, 'toString'),
            sum: data.items.reduce((sum, { n }) => sum + n, 0),
            chunks: Array.from({ length: Math.ceil(data.items.length / 2) }, (_, i) => data.items.slice(i * 2, i * 2 + 2).length),
            assigned: Object.assign({ a: 1 }, null, { b: 2 }),
            frozen: Object.isFrozen(Object.freeze({ a: 1 })),
            copy: [...'añ🌊'].length
        };
        await nango.batchSave(Object.entries(values).map(([id, value]) => ({ id, value })), 'Group');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
