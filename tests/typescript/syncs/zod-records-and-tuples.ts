// Records, tuples, maps, sets, intersections and lazily recursive schemas.
import { createSync } from 'nango';
import { z } from 'zod';

type Tree = { name: string; children: Tree[] };
const Tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(Tree) }));
const Point = z.tuple([z.number(), z.number()]).rest(z.string());
const Plan = z.object({ id: z.string(), limits: z.record(z.string(), z.number()), points: z.array(Point), tree: z.any() }).and(z.object({ active: z.boolean() }));
const Saved = z.object({ id: z.string(), limits: z.record(z.string(), z.number()), points: z.array(z.any()), tree: z.any(), active: z.boolean() });

const sync = createSync({
    description: 'Plans with limits, points and trees',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Saved },

    exec: async (nango) => {
        const { data } = await nango.get<any[]>({ endpoint: '/plans' });
        for (const item of data) {
            const plan = Plan.safeParse(item);
            const tree = Tree.safeParse(item.tree);
            if (plan.success && tree.success) await nango.batchSave([{ ...plan.data, tree: names(tree.data) }], 'Saved');
            else await nango.log(`${plan.error?.issues.map(({ path }) => path.join('.')).join()} ${tree.error?.issues.map(({ path }) => path.join('.')).join()}`);
        }
        const grouped = z.map(z.string(), z.set(z.number())).parse(new Map([['a', new Set([1, 2])]]));
        await nango.log([...grouped].map(([key, set]) => `${key}:${[...set]}`).join());
    }
});

function names({ name, children }: Tree): string[] {
    return [name, ...children.flatMap(names)];
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
