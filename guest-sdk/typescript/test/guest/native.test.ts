/** The native API: a run's members, and its paging. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { Paging, PageOptions, Run } from '../../src/guest/index.ts';
import { type Host, TestHost, errorOf, failure, json, native, status, text } from './sdk.ts';

const models = { User: z.object({ id: z.string(), name: z.string().nullish(), seen: z.number().optional() }) };
const checkpoint = z.object({ since: z.iso.datetime() });
const metadata = z.object({ team: z.string().default('all'), limit: z.number().optional() });

type TestRun = Run<typeof models, typeof checkpoint, typeof metadata>;

const syncOf = (run: (run: TestRun) => Promise<void> | void, more: object = {}) =>
  native.sync({ models, checkpoint, metadata, ignore: { User: ['seen'] }, run, ...more });

async function on(host: Host, run: (run: TestRun) => Promise<void> | void, more?: object): Promise<Host> {
  return host.mustRun(syncOf(run, more), 'users');
}

test('a full refresh is a few lines', async () => {
  const users = native.sync({
    models: { User: z.object({ id: z.string(), name: z.string() }) },
    frequency: 'every hour',
    trackDeletes: true,
    async run(run) {
      const paging = { type: 'cursor', param: 'cursor', next: 'response_metadata.next_cursor', items: 'members' } as const;
      for await (const members of run.paginate('/users', { query: { limit: 200 }, paging })) run.save('User', members);
    },
  });
  const page = (ids: string[], next_cursor: string) => json({ members: ids.map((id) => ({ id, name: id, more: 1 })), response_metadata: { next_cursor } });
  const host = new TestHost().reply('/users?limit=200', page(['a', 'b'], 'x')).reply('/users?limit=200', page(['b'], '')).reply('/users?cursor=x', page(['c'], ''));
  await host.mustRun(users);
  assert.deepEqual(host.records('User'), ['a', 'b', 'c'].map((id) => ({ id, name: id })), 'fields that the model has not are left out');
  await host.mustRun(users);
  assert.deepEqual(host.records('User'), [{ id: 'b', name: 'b' }]);
});

test('records are checked by their model, and what is in `ignore` is no change', async () => {
  const host = new TestHost();
  await on(host, async (run) => {
    assert.deepEqual(run.save('User', [{ id: 'a', seen: 1 }, { id: 'b' }]), { added: 2, updated: 0, unchanged: 0 });
    assert.deepEqual(run.save('User', new Set([{ id: 'a', seen: 2 }])), { added: 0, updated: 0, unchanged: 1 });
    assert.deepEqual(run.update('User', [{ id: 'a', name: 'x' }]), { added: 0, updated: 1, unchanged: 0 });
    assert.deepEqual(run.find('User', ['a', 'none']), [{ id: 'a', seen: 1, name: 'x' }, undefined]);
    assert.deepEqual([...run.list('User')].map(({ id }) => id), ['b', 'a']);
    const pass = run.deletePass('User');
    run.save('User', [{ id: 'b' }]);
    assert.deepEqual(pass.finish(), ['a']);
    assert.equal(run.delete('User', ['b', 'none']), 1);
    const error = await errorOf(() => run.save('User', [{ id: 'a' }, { id: 'b', name: 7 as never, seen: 'x' as never }]));
    assert.deepEqual([error['code'], error.message], [
      'record.schema',
      'Record 1 (id "b") of `User` does not fit: `name`: Invalid input: expected string, received number; `seen`: Invalid input: expected number, received string.',
    ]);
    assert.equal((await errorOf(() => run.save('Users' as 'User', [{ id: 'a' }])))['code'], 'model.unknown');
    run.merging('User', 'ignore-if-modified-after-start');
  });
  assert.deepEqual(host.merging, { User: 'ignore-if-modified-after-start' });
});

test('checkpoint and metadata are read by their schemas', async () => {
  const host = new TestHost().withMetadata({ limit: 5 });
  await on(host, async (run) => {
    assert.equal(run.checkpoint(), undefined);
    run.saveCheckpoint({ since: '2026-01-01T00:00:00Z' });
    assert.deepEqual(run.checkpoint(), { since: '2026-01-01T00:00:00Z' });
    assert.match((await errorOf(() => run.saveCheckpoint({ since: 'yesterday' }))).message, /does not fit its schema: `since`: Invalid/);
    assert.deepEqual(run.metadata(), { team: 'all', limit: 5 });
    run.mergeMetadata({ team: 'b' });
    assert.deepEqual(run.metadata(), { team: 'b', limit: 5 });
    run.setMetadata({ limit: 7 });
    assert.deepEqual(run.metadata(), { team: 'all', limit: 7 });
  });
  await on(host.withCheckpoint({ page: 3 }).withMetadata({ limit: 'x' }), async (run) => {
    const [stored, set] = [await errorOf(() => run.checkpoint()), await errorOf(() => run.metadata())];
    assert.deepEqual([stored['code'], set['code']], ['checkpoint.invalid', 'metadata.invalid']);
    assert.match(stored.message, /does not fit: `since`: .*; change the schema .* or reset the sync/);
    run.clearCheckpoint();
    assert.equal(run.checkpoint(), undefined);
  });
  await on(new TestHost(), async (run) => {
    assert.match((await errorOf(() => run.saveCheckpoint({ since: 'x' }))).message, /declares no `checkpoint`; add/);
    assert.match((await errorOf(() => run.metadata())).message, /declares no `metadata`; add/);
  }, { checkpoint: undefined, metadata: undefined });
});

test('a request carries what it is told', async () => {
  const host = new TestHost().serve(() => json({ a: 1 }));
  await on(host, async (run) => {
    await run.get('/a', { query: { q: 'x y', ids: [1, 2], none: undefined, nil: null, yes: true }, headers: { 'X-A': 7, gone: undefined }, retries: 2, retryOn: [409], timeoutMs: 10 });
    await run.post('/a', { json: { at: 1 } });
    await run.put('/a', { body: 'text', headers: { 'Content-Type': 'text/plain' } });
    await run.patch('b', { json: null, baseUrl: 'https://other.test/v1' });
    await run.request('DELETE', '/a');
  });
  const [get, post, put, patch, remove] = host.sent;
  assert.deepEqual([get?.query, get?.headers], [[['q', 'x y'], ['ids', '1'], ['ids', '2'], ['yes', 'true']], { 'x-a': '7' }]);
  assert.deepEqual([get?.retries, get?.retryOn, get?.timeoutMs], [2, [409], 10]);
  assert.deepEqual([post?.method, post?.body, post?.headers, post?.retries], ['POST', '{"at":1}', { 'content-type': 'application/json' }, undefined]);
  assert.deepEqual([put?.body, put?.headers], ['text', { 'content-type': 'text/plain' }]);
  assert.deepEqual([patch?.path, patch?.body], ['https://other.test/v1/b', 'null']);
  assert.deepEqual([remove?.method, remove?.path], ['DELETE', '/a']);
});

test('a response is read as text, bytes, pieces or JSON, checked if wanted', async () => {
  const team = z.object({ name: z.string() });
  const host = new TestHost()
    .reply('/team', json({ name: 'Tide', n: 1 }, { status: 201, headers: { 'X-A': '1' } }))
    .reply('/html', text('<p>'))
    .reply('/gone', text(' no such thing ', { status: 404 }))
    .reply('/slow', failure('provider.timeout', 'too slow'));
  await on(host, async (run) => {
    const get = () => run.get('/team');
    const response = await get();
    assert.deepEqual([response.status, response.ok, response.header('x-a'), response.headers.get('x-a')], [201, true, '1', '1']);
    assert.deepEqual(response.json(team), { name: 'Tide' });
    assert.deepEqual((await get()).json(), { name: 'Tide', n: 1 });
    assert.equal((await get()).text().length, (await get()).bytes().length);
    assert.equal([...(await get()).chunks()].length, 1);
    assert.match((await errorOf(async () => (await get()).json(z.object({ name: z.number() })))).message, /^GET \/team answered something unexpected: `name`: Invalid input: expected number, received string; the body begins: \{"name"/);
    assert.match((await errorOf(async () => (await run.get('/html')).json())).message, /it is no JSON \(.*; the body begins: <p>/);
    const error = await errorOf(() => run.get('/gone'));
    assert(error instanceof native.HttpError && error instanceof native.TidegateError);
    assert.deepEqual([error.message, error.status, error.body, error.code], ['GET /gone answered 404: no such thing', 404, ' no such thing ', 'guest.error']);
    assert.match(error.stack ?? '', /native\.test\.ts/);
    assert.equal((await run.get('/gone', { anyStatus: true })).status, 404);
    assert.equal((await errorOf(() => run.get('/slow')))['code'], 'provider.timeout');
  });
});

test('the facts of a run, waiting and progress', async () => {
  const host = new TestHost().now('2026-03-31T12:00:00Z').facts({ trigger: 'schedule', variant: 'eu' }).config({ region: 'eu' });
  await on(host, async (run) => {
    assert.deepEqual([run.id, run.connectionId, run.integration, run.syncName, run.variant, run.trigger, run.attempt], ['run-1', 'local', 'local', 'users', 'eu', 'schedule', 1]);
    assert.deepEqual([run.startedAt.toISOString(), run.today, run.deadline.toISOString()], ['2026-03-31T12:00:00.000Z', '2026-03-31', '2026-04-01T12:00:00.000Z']);
    assert.deepEqual([run.monthsAgo(1).toISOString(), run.monthsAgo(13).toISOString()], ['2026-02-28T00:00:00.000Z', '2025-02-28T00:00:00.000Z']);
    assert.deepEqual(run.memory, { usedBytes: 4 * 1024 * 1024, limitBytes: 128 * 1024 * 1024 });
    assert.deepEqual(run.config(z.object({ region: z.enum(['eu', 'us']) })), { region: 'eu' });
    assert.match((await errorOf(() => run.config(z.object({ key: z.string() })))).message, /configuration does not fit: `key`/);
    run.sleep(1_500_000.2);
    run.progress('half', 1, 2);
    run.progress('on', 3);
    run.log.info('saved', { page: 1 });
    run.log.warn('hm');
    for (const wrong of [-1, Number.NaN, '5' as never]) assert.match((await errorOf(() => run.sleep(wrong))).message, /time to sleep must be a number/);
  });
  assert.deepEqual(host.sleeps, [600_000, 600_000, 300_000]);
  assert.deepEqual(host.progress, [{ message: 'half', done: 1, total: 2 }, { message: 'on', done: 3, total: undefined }]);
  assert.deepEqual(host.logs, [{ level: 'info', message: 'saved', attributes: { page: 1 } }, { level: 'warn', message: 'hm', attributes: undefined }]);
});

/** The items that paging gives, or the message of the error that ends it. */
async function collect(host: Host, paging: Paging | undefined, options: PageOptions = {}): Promise<{ items: unknown[]; error?: string }> {
  const items: unknown[] = [];
  const { error } = await host.run(
    syncOf(async (run) => {
      for await (const page of run.paginate('/list', { query: { limit: 2 }, ...options, paging })) items.push(...page);
    }),
  );
  return error === undefined ? { items } : { items, error: error.message.split('\n')[0] };
}

const asked = (host: Host, param: string) => host.sent.map(({ query }) => query.find(([name]) => name === param)?.[1]);

test('a cursor is followed until the provider says so', async () => {
  for (const end of [{}, { page: { next: null } }, { page: { next: '' } }, { page: { next: ' ' } }, { page: { next: false } }, { page: null }]) {
    const host = new TestHost()
      .reply('/list?limit=2', json({ data: { rows: [1, 2] }, page: { next: 'a b&c' } }))
      .reply('/list?cursor=a b%26c', json({ data: { rows: [] }, page: { next: 7 } }))
      .reply('/list?cursor=7', json({ data: { rows: [3] }, ...end }));
    const { items } = await collect(host, { type: 'cursor', param: 'cursor', next: 'page.next', items: 'data.rows' });
    assert.deepEqual([items, asked(host, 'cursor')], [[1, 2, 3], [undefined, 'a b&c', '7']]);
    assert.deepEqual(asked(host, 'limit'), ['2', '2', '2']);
  }
});

test('links, offsets and page numbers are followed', async () => {
  const rows: [paging: Paging, host: Host, items: unknown[], param: string, asked: unknown[]][] = [
    [{ type: 'link' }, new TestHost().reply('/list?limit=2', json([1], { headers: { link: '<https://provider.test/list?at=2>; rel="next"' } })).reply('/list?at=2', json([2])), [1, 2], 'at', [undefined, '2']],
    [{ type: 'link', next: 'next', items: 'rows' }, new TestHost().reply('/list?limit=2', json({ rows: [1], next: '/list?at=2' })).reply('/list?at=2', json({ rows: null, next: '' })), [1], 'limit', ['2', undefined]],
    [{ type: 'offset', param: 'skip' }, new TestHost().reply('/list?skip=0', json([1, 2])).reply('/list?skip=2', json([3])).reply('/list?skip=3', json([])), [1, 2, 3], 'skip', ['0', '2', '3']],
    [{ type: 'offset', param: 'skip', start: 5, shortPageIsLast: 2 }, new TestHost().reply('/list?skip=5', json([1, 2])).reply('/list?skip=7', json([3])), [1, 2, 3], 'skip', ['5', '7']],
    [{ type: 'page', param: 'page' }, new TestHost().reply('/list?page=1', json([1])).reply('/list?page=2', json([])), [1], 'page', ['1', '2']],
    [{ type: 'page', param: 'page', start: 0 }, new TestHost().reply('/list?page=0', json([1])).reply('/list?page=1', json([])), [1], 'page', ['0', '1']],
  ];
  for (const [paging, host, items, param, places] of rows) {
    assert.deepEqual([await collect(host, paging), asked(host, param)], [{ items }, places], JSON.stringify(paging));
  }
});

test('a place goes into the body if it is told to', async () => {
  const host = new TestHost().reply('/list', json([1])).reply('/list', json([]));
  await collect(host, { type: 'page', param: 'page', in_body: true }, { method: 'POST', json: { q: 'x' } });
  assert.deepEqual(host.sent.map(({ method, body }) => `${method} ${body}`), ['POST {"q":"x","page":1}', 'POST {"q":"x","page":2}']);
});

test('the integration\'s paging is taken where the sync says nothing', async () => {
  const host = new TestHost().config({ pagination: { type: 'offset', param: 'skip', items: 'rows' } }).reply('/list', json({ rows: [1] })).reply('/list', json({ rows: [] }));
  assert.deepEqual(await collect(host, undefined), { items: [1] });
  assert.match((await collect(new TestHost(), undefined)).error ?? '', /does not say how its pages are numbered: set its `pagination`/);
});

test('a page that is not what was expected ends with an error that says where', async () => {
  const cursor: Paging = { type: 'cursor', param: 'c', next: 'next', items: 'rows' };
  const rows: [paging: Paging, replies: ReturnType<typeof json>[], items: unknown[], says: RegExp][] = [
    [{ type: 'page', param: 'page' }, [json([1, 2])], [1, 2], /GET \/list \(page 2\) is the same as page 1; the provider seems not to know the page number `page`/],
    [cursor, [json({ rows: [1], next: 'x' }), json({ rows: [2], next: 'y' }), json({ rows: [3], next: 'x' })], [1, 2, 3], /\(page 3\) leads back to a page that was fetched before, by the cursor `c`/],
    [{ type: 'link', next: 'next', items: 'rows' }, [json({ rows: [1], next: '/list' }), json({ rows: [2], next: '/list' })], [1, 2], /leads back .* by the link at `next`/],
    [cursor, [json({ row: [1] })], [], /GET \/list \(page 1\) answered something unexpected: there is nothing at `rows`, where the items should be; the body begins: \{"row"/],
    [cursor, [json({ rows: { a: 1 } })], [], /`rows`, where the items should be, is no list/],
    [{ type: 'offset', param: 'o' }, [text('<html>')], [], /it is no JSON/],
    [{ type: 'offset', param: 'o' }, [status(500)], [], /GET \/list answered 500/],
  ];
  for (const [paging, replies, items, says] of rows) {
    const host = new TestHost();
    for (const reply of replies) host.reply('/list', reply);
    const found = await collect(host, paging);
    assert.deepEqual(found.items, items);
    assert.match(found.error ?? 'it ended well', says);
  }
});

test('items are checked by a schema, and pages are told with what stands beside', async () => {
  const host = () => new TestHost().reply('/list', json({ rows: [{ id: 1 }, { id: 'x' }], total: 2 }, { headers: { 'x-a': '1' } }));
  const paging: Paging = { type: 'link', items: 'rows' };
  await on(host(), async (run) => {
    for await (const page of run.pages('/list', { paging, as: z.object({ id: z.coerce.string() }) })) {
      assert.deepEqual([page.number, page.items, page.body, page.headers.get('x-a')], [1, [{ id: '1' }, { id: 'x' }], { rows: [{ id: 1 }, { id: 'x' }], total: 2 }, '1']);
    }
    const error = await errorOf(async () => {
      for await (const page of run.paginate('/list', { paging, as: z.object({ id: z.number() }) })) void page;
    });
    assert.match(error.message, /in item 1 at `rows`: `id`: Invalid input: expected number, received string/);
  });
});

test('a failure that nobody waited for fails the run', async () => {
  const { error } = await new TestHost().reply('/x', status(500)).run(syncOf((run) => void run.get('/x')));
  assert.match(error?.message ?? '', /A call that nobody waited for failed[^]*GET \/x answered 500/);
});
