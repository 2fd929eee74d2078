/** Records of Nango's API: saved, updated, deleted, read back, and tracked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestHost, errorOf, on, syncOf } from './sdk.ts';

const many = (count: number, text = '') => Array.from({ length: count }, (_, id) => ({ id: String(id), text }));

test('records are saved as they are, without what Nango adds when they are read', async () => {
  const host = new TestHost();
  await on(host, async (nango) => {
    const given = [{ id: 'a', at: new Date(0), none: undefined, _nango_metadata: { cursor: 'x' }, deep: { u: 'ü😀' } }];
    assert.equal(await nango.batchSave(given, 'User'), true);
    assert('_nango_metadata' in given[0]!, 'what the sync gave is not changed');
    await nango.batchSend([{ id: 7, n: 1.5 } as never], 'User');
  });
  assert.deepEqual(host.records('User'), [{ id: 'a', at: '1970-01-01T00:00:00.000Z', deep: { u: 'ü😀' } }, { id: 7, n: 1.5 }]);
});

test('nothing to save is well saved', async () => {
  const host = new TestHost();
  await on(host, async (nango) => {
    for (const nothing of [[], null, undefined] as never[]) {
      for (const call of ['batchSave', 'batchUpdate', 'batchDelete'] as 'batchSave'[]) assert.equal(await nango[call](nothing, 'User'), true);
    }
  });
  assert.deepEqual(host.calls, []);
});

test('any number of records goes in batches, in order', async () => {
  const host = new TestHost();
  await on(host, async (nango) => {
    await nango.batchSave(many(3000, 'x'.repeat(300)), 'User');
    await nango.batchSave([...many(2, 'y'), { id: 'big', text: 'z'.repeat(2_000_000) }, { id: 'after' }], 'Other');
  });
  const counts = host.calls.filter((call) => call.startsWith('save User')).map((call) => Number(call.split(' ')[2]));
  assert.equal(counts.reduce((sum, each) => sum + each, 0), 3000);
  assert(counts.length > 3, `more than one call: ${counts.join(', ')}`);
  assert.deepEqual(host.records('User').map(({ id }) => id), many(3000).map(({ id }) => id));
  // A record that is too large alone goes alone, so that the host refuses it by name.
  assert.deepEqual(host.calls.filter((call) => call.startsWith('save Other')), ['save Other 2', 'save Other 1', 'save Other 1']);
});

test('fields are merged into records that are there', async () => {
  const host = new TestHost();
  await on(host, async (nango) => {
    await nango.batchSave([{ id: 'a', name: 'x', deep: { p: 1, q: 2 }, list: [1, 2] }], 'User');
    await nango.batchUpdate([{ id: 'a', deep: { q: 3 }, list: [9] } as never, { id: 'b' }], 'User');
  });
  assert.deepEqual(host.records('User'), [{ id: 'a', name: 'x', deep: { p: 1, q: 3 }, list: [9] }]);
});

test('records are deleted by their ids, of either kind, in calls that the host takes', async () => {
  const host = new TestHost();
  await on(host, async (nango) => {
    await nango.batchSave([{ id: 'a' }, { id: 7 as never }, { id: 'c' }], 'User');
    await nango.batchDelete([{ id: 'a' }, { id: 7 as never }, { id: 'never' }], 'User');
    await nango.batchDelete(many(25_000), 'User');
  });
  assert.deepEqual(host.records('User'), [{ id: 'c' }]);
});

test('records are found by ids of the kind they were asked with, and listed', async () => {
  await on(new TestHost(), async (nango) => {
    await nango.batchSave([{ id: '1', n: 1 }, { id: '2', n: 2 }], 'User');
    const found = await nango.getRecordsByIds([2, '1', 'none'], 'User');
    assert.deepEqual([...found], [[2, { id: '2', n: 2 }], ['1', { id: '1', n: 1 }]]);
    assert.equal((await nango.getRecordsByIds([], 'User')).size, 0);
    await nango.batchSave(many(2500), 'Other');
    const listed = [];
    for await (const record of nango.listRecords('Other')) listed.push(record.id);
    assert.deepEqual(listed, many(2500).map(({ id }) => id));
    const rest = [];
    for await (const record of nango.listRecords('Other', { cursor: '2499' })) rest.push(record.id);
    assert.deepEqual(rest, ['2499']);
  });
});

test('a delete pass takes what was not saved in it', async () => {
  const host = new TestHost();
  await on(host, async (nango) => void (await nango.batchSave(many(3), 'User')));
  await on(host, async (nango) => {
    await nango.trackDeletesStart('User');
    await nango.batchSave([{ id: '1' }], 'User');
    assert.deepEqual(await nango.trackDeletesEnd('User'), { deletedKeys: ['0', '2'] });
    assert.match((await errorOf(() => nango.trackDeletesEnd('User'))).message, /no delete pass is open for `User`/);
  });
  assert.deepEqual(host.records('User').map(({ id }) => id), ['1']);
});

test('the older call that deletes needs no pass opened', async () => {
  const host = new TestHost();
  await on(host, async (nango) => void (await nango.batchSave(many(3), 'User')));
  await on(host, async (nango) => {
    await nango.batchSave([{ id: '1' }], 'User');
    assert.deepEqual(await nango.deleteRecordsFromPreviousExecutions('User'), { deletedKeys: ['0', '2'] });
  });
  assert.deepEqual(host.records('User').map(({ id }) => id), ['1']);
});

test('a pass survives a run that is stopped', async () => {
  const host = new TestHost();
  await on(host, async (nango) => void (await nango.batchSave(many(3), 'User')));
  const sync = syncOf(async (nango) => {
    await nango.trackDeletesStart('User');
    if ((await nango.getCheckpoint()) === null) {
      await nango.batchSave([{ id: '0' }], 'User');
      await nango.saveCheckpoint({ page: 1 } as never);
    }
    await nango.batchSave([{ id: '1' }], 'User');
    await nango.trackDeletesEnd('User');
  });
  assert.equal((await host.stopAtCheckpoint(1).run(sync)).error?.code, 'run.interrupted');
  assert.equal(host.records('User').length, 3);
  await host.mustRun(sync);
  assert.deepEqual(host.records('User').map(({ id }) => id).sort(), ['0', '1']);
});

test('`trackDeletes` deletes what a run that went well did not save', async () => {
  const more = { trackDeletes: true, checkpoint: undefined };
  const host = new TestHost();
  await on(host, async (nango) => void (await nango.batchSave(many(3), 'User')), more);
  const failing = syncOf(() => Promise.reject(new Error('no')), more);
  assert.equal((await host.run(failing)).ok, false);
  assert.equal(host.records('User').length, 3);
  await on(host, async (nango) => void (await nango.batchSave([{ id: '2' }], 'User')), more);
  assert.deepEqual(host.records('User').map(({ id }) => id), ['2']);
});

test('a merging strategy is set once', async () => {
  const host = new TestHost();
  await on(host, async (nango) => {
    await nango.setMergingStrategy({ strategy: 'ignore_if_modified_after' }, 'User');
    await nango.setMergingStrategy({ strategy: 'override' }, 'User');
    const error = await errorOf(() => nango.setMergingStrategy({ strategy: 'magic' as never }, 'Other'));
    assert.equal(error.message, 'Unsupported merging strategy: magic');
  });
  assert.deepEqual(host.merging, { User: 'ignore-if-modified-after-start' });
  assert.deepEqual(host.logLines, ['Merging strategy for model User is already set. Skipping']);
});

test('what is no record is refused before it reaches an import, with its place', async () => {
  const rows: [records: unknown, model: unknown, code: string, says: RegExp][] = [
    [[{ id: 'a' }, undefined], 'User', 'invalid.argument', /^Record 1 for `User` must be an object, not undefined/],
    [[[1]], 'User', 'invalid.argument', /^Record 0 for `User` must be an object, not an array of 1/],
    [[{ id: 'a', n: 1n }], 'User', 'invalid.argument', /^Record 0 for `User` cannot be written as JSON/],
    [{ id: 'a' }, 'User', 'invalid.argument', /as an array/],
    [[Promise.resolve({ id: 'a' })], 'User', 'record.invalid', /record 0/],
    [[{ id: 'a' }], undefined, 'invalid.argument', /model must be a string, not undefined/],
    [[{ id: 'a' }], '', 'invalid.argument', /model must not be empty/],
    [[{ id: 'a' }], 'U\ud800', 'invalid.argument', /model has half of a surrogate pair at position 1/],
    [[{ id: 'a' }], 'Users', 'model.unknown', /no model `Users`, only `User`, `Other`/],
    [[{ name: 'a' }], 'User', 'record.invalid', /record 0: there is no `id`/],
    [[{ id: 'a', t: '\ud800' }], 'User', 'record.invalid', /lone surrogate/],
  ];
  for (const [records, model, code, says] of rows) {
    const host = new TestHost();
    await on(host, async (nango) => {
      const error = await errorOf(() => nango.batchSave(records as never, model as never));
      assert.deepEqual([error['code'], says.test(error.message)], [code, true], error.message);
    });
    assert.deepEqual(host.records('User'), []);
  }
  await on(new TestHost(), async (nango) => {
    assert.match((await errorOf(() => nango.batchDelete([{}] as never, 'User'))).message, /must be a string or a number, not undefined/);
    assert.match((await errorOf(() => nango.batchDelete([{ id: '\ud800' }], 'User'))).message, /half of a surrogate pair/);
  });
});
