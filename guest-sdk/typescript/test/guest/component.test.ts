/** How a run ends: what was thrown, as the host is given it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { Definition } from '../../src/guest/definition.ts';
import { TestHost, failure, json, nango as api, native, on, syncOf } from './sdk.ts';

const gone = () => new TestHost().reply('/gone', json({ why: 'x'.repeat(1000) }, { status: 404 }));

test('an error is told with its name, its causes and its stack', async () => {
  const rows: [exec: Parameters<typeof syncOf>[0], code: string, says: RegExp][] = [
    [() => Promise.reject(new TypeError('no')), 'guest.error', /^TypeError: no\n\s+at .*component\.test\.ts/],
    [() => { throw new RangeError('at once'); }, 'guest.error', /^RangeError: at once\n/],
    [() => Promise.reject(new Error('outer', { cause: new Error('inner', { cause: 'deep' }) })), 'guest.error', /^Error: outer\n[^]*\ncaused by: Error: inner\n[^]*\ncaused by: the sync threw "deep", which is no Error$/],
    [() => Promise.reject('text'), 'guest.error', /^the sync threw "text", which is no Error$/],
    [() => Promise.reject({ a: 1 }), 'guest.error', /^the sync threw \{"a":1\}, which is no Error$/],
    [() => Promise.reject(undefined), 'guest.error', /^the sync threw undefined$/],
    [(nango) => Promise.reject(new nango.ActionError({ type: 'no_team', message: 'set a team' })), 'guest.error', /^ActionError: \{"type":"no_team","message":"set a team"\}/],
    [async (nango) => void (await nango.get({ endpoint: '/gone' })), 'guest.error', /^AxiosError: Request failed with status code 404 \(GET https:\/\/provider\.test\/gone answered: \{"why":"x{504}…\)\n[^]*component\.test\.ts/],
    [async (nango) => void (await nango.batchSave([{ id: 'a' }], 'Wrong' as never)), 'model.unknown', /^the manifest has no model `Wrong`/],
    [() => Promise.reject(new Error('half \ud800')), 'guest.error', /^Error: half \ufffd/],
  ];
  for (const [exec, code, says] of rows) {
    const { error } = await gone().run(syncOf(exec));
    assert.equal(error?.code, code);
    assert.match(error?.message ?? '', says);
  }
});

test('an error of the host\'s keeps its code and its wait', async () => {
  const host = new TestHost().reply('/x', failure('provider.timeout', 'too slow', 2000));
  const { error } = await host.run(syncOf(async (nango) => void (await nango.get({ endpoint: '/x' }))));
  assert.deepEqual([error?.code, error?.retryAfterMs, error?.message.split('\n')[0]], ['provider.timeout', 2000, 'too slow (GET /x)']);
});

test('a failure that nobody waited for fails the run', async () => {
  const rows: Parameters<typeof syncOf>[0][] = [
    (nango) => void nango.batchSave([{ id: 'a' }], 'Wrong' as never),
    async (nango) => { nango.get({ endpoint: '/gone' }); },
    async (nango) => { nango.batchSave([{ id: 'a' }], 'Wrong' as never); await nango.log('more'); },
  ];
  for (const exec of rows) {
    const { error } = await gone().run(syncOf(exec));
    assert.match(error?.message ?? 'it ended well', /^Error: A call that nobody waited for failed; write `await` before it\.[^]*caused by: /);
  }
});

test('a failure that somebody waited for, even late, is theirs', async () => {
  await on(gone(), async (nango) => {
    const early = nango.get({ endpoint: '/gone' });
    for (let turn = 0; turn < 50; turn++) await undefined;
    await early.catch(() => undefined);
    const results = await Promise.allSettled([nango.get({ endpoint: '/gone' }), nango.batchSave([{}] as never, 'User')]);
    assert.deepEqual(results.map(({ status }) => status), ['rejected', 'rejected']);
    await Promise.race([nango.get({ endpoint: '/gone' }).finally(() => undefined).catch(() => undefined)]);
  });
});

test('requests that nobody waited for are told of, and done all the same', async () => {
  const host = new TestHost().serve(() => json([{ id: 'a' }]));
  await on(host, (nango) => {
    const work = async () => {
      for (let page = 0; page < 5; page++) {
        const { data } = await nango.get({ endpoint: '/x' });
        await nango.batchSave(data, 'User');
      }
    };
    void work();
  });
  assert.match(host.logLines[0] ?? '', /ended before all of its requests were done.*`await` missing/);
  assert.equal(host.sent.length, 5);
  assert.deepEqual(host.records('User'), [{ id: 'a' }]);
});

test('what is no sync is accepted at import and refused when run', async () => {
  const parts = { description: 'x', input: z.object({}), output: z.object({}), exec: () => ({}), event: 'post-connection-creation' as const };
  const rows: [definition: unknown, says: RegExp][] = [
    [api.createAction(parts as never), /`createAction` makes an action, and Tidegate runs syncs only/],
    [api.createOnEvent(parts as never), /`createOnEvent` makes an event function/],
    [api.createFunction(parts), /`createFunction` makes a function/],
    [undefined, /default export is no sync/],
    [{ type: 'sync' }, /default export is no sync/],
    [() => undefined, /default export is no sync/],
  ];
  const { component } = await import('../../src/guest/component.ts');
  for (const [definition, says] of rows) {
    // Under a host, because a run begins with what it logged.
    const host = new TestHost();
    const outer = syncOf(async () => {
      await component(async () => ({ default: definition as Definition }), '{}').run();
    });
    const { error } = await host.run(outer);
    assert.match(error?.message ?? '', says);
  }
});

test('what a timer throws fails the run, and no timer outlives it', async () => {
  const { component } = await import('../../src/guest/component.ts');
  const { loop } = await import('../../src/web/loop.ts');
  const seen: boolean[] = [];
  const host = new TestHost();
  const outer = syncOf(async () => {
    const inner = syncOf(async () => {
      seen.push(loop.ended);
      loop.uncaught?.(new Error('in a timer'));
    });
    await component(async () => ({ default: inner as Definition }), '{}').run().finally(() => seen.push(loop.ended));
  });
  const { error } = await host.run(outer);
  assert.match(error?.message ?? '', /The function of a timer failed/);
  assert.match(error?.message ?? '', /in a timer/);
  assert.deepEqual(seen, [false, true]);
});

test('a component describes itself with the manifest that it was built with', async () => {
  const { component } = await import('../../src/guest/component.ts');
  const load = () => assert.fail('describe loads nothing');
  assert.equal(component(load, '{"name":"x"}').describe(), '{"name":"x"}');
});

test('a definition that is spread is still one', async () => {
  const host = new TestHost();
  const sync = native.sync({ models: { User: z.object({ id: z.string() }) }, run: (run) => void run.save('User', [{ id: 'a' }]) });
  await host.mustRun({ ...sync });
  assert.equal(host.records('User').length, 1);
});
