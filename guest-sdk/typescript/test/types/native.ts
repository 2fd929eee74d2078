/** Types of the native API, checked by `npm run check`. Nothing here is run. */
import * as z from 'zod';
import { type Run, sync } from '../../src/guest/index.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <T extends true>(_: T | 'same'): void => undefined;

const User = z.object({ id: z.string(), name: z.string(), at: z.coerce.date().optional(), deep: z.object({ a: z.number(), b: z.string() }).optional() });
type User = z.output<typeof User>;

export default sync({
  name: 'users',
  models: { User, Count: z.object({ id: z.number(), n: z.number() }) },
  frequency: 'every hour',
  ignore: { User: ['at'] },
  checkpoint: z.object({ since: z.string(), page: z.number().default(1) }),
  metadata: z.object({ team: z.string().default('all') }),
  async run(run) {
    const saved = run.save('User', [{ id: 'a', name: 'x' }]);
    same<Same<typeof saved.added, number>>('same');
    run.save('Count', new Set([{ id: 1, n: 1 }]));
    // @ts-expect-error -- no such model
    run.save('Users', []);
    // @ts-expect-error -- a field is missing
    run.save('User', [{ id: 'a' }]);
    // @ts-expect-error -- a field has another type
    run.save('Count', [{ id: 1, n: 'x' }]);
    run.update('User', [{ id: 'a', deep: { a: 1 } }]);
    // @ts-expect-error -- no id
    run.update('User', [{ name: 'x' }]);
    // @ts-expect-error -- a field has another type
    run.update('User', [{ id: 'a', name: 7 }]);
    const [first] = run.find('User', ['a', 7]);
    same<Same<typeof first, User | undefined>>('same');
    for (const user of run.list('User')) same<Same<typeof user, User>>('same');

    const checkpoint = run.checkpoint();
    same<Same<typeof checkpoint, { since: string; page: number } | undefined>>('same');
    run.saveCheckpoint({ since: 'x' });
    // @ts-expect-error -- a field is missing
    run.saveCheckpoint({});
    const { team } = run.metadata();
    same<Same<typeof team, string>>('same');
    run.mergeMetadata({ team: 'x' });
    // @ts-expect-error -- no such field
    run.mergeMetadata({ teams: 'x' });

    const response = await run.get('/x', { query: { a: 1, b: [1, 'x'], c: undefined } });
    const body = response.json(z.object({ n: z.number() }));
    same<Same<typeof body, { n: number }>>('same');
    const raw = response.json<{ m: string }>();
    same<Same<typeof raw, { m: string }>>('same');
    const unknown = response.json();
    // @ts-expect-error -- nobody has said what it is
    unknown.n;
    // @ts-expect-error -- no such option
    await run.get('/x', { params: {} });

    for await (const users of run.paginate('/users', { as: User, paging: { type: 'link' } })) {
      same<Same<typeof users, User[]>>('same');
      run.save('User', users);
    }
    for await (const users of run.paginate<{ id: string }>('/users')) same<Same<typeof users, { id: string }[]>>('same');
    for await (const page of run.pages('/users', { as: User })) same<Same<typeof page.items, User[]>>('same');
    // @ts-expect-error -- a cursor needs a parameter
    run.paginate('/users', { paging: { type: 'cursor', next: 'x' } });
    // @ts-expect-error -- a link counts nothing
    run.paginate('/users', { paging: { type: 'link', start: 1 } });

    const end = await run.backfill('2020-01-01', run.today, { months: 1 }, async (window) => ({ since: window.to }));
    same<Same<typeof end, Date>>('same');
    // @ts-expect-error -- no such length
    await run.backfill('2020-01-01', run.today, { years: 1 }, () => undefined);
    // @ts-expect-error -- that is no checkpoint
    await run.backfill('2020-01-01', run.today, { days: 1 }, () => ({ page: 'x' }));
    run.log.info('x', { a: 1 });
  },
});

sync({
  models: { User },
  run(run) {
    const none = run.checkpoint();
    same<Same<typeof none, undefined>>('same');
    // @ts-expect-error -- the sync declares no checkpoint
    run.saveCheckpoint({ since: 'x' });
    helper(run);
  },
});

/** A helper that takes the run of its sync. */
function helper(run: Run<{ User: typeof User }>): void {
  run.delete('User', ['a']);
}

// @ts-expect-error -- a model without an id
sync({ models: { Bad: z.object({ name: z.string() }) }, run: () => undefined });
// @ts-expect-error -- no such field in the model
sync({ models: { User }, ignore: { User: ['wat'] }, run: () => undefined });
