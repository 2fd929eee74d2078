/** Checkpoint, metadata, connection, log and locks of Nango's API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { TestHost, errorOf, nango as api, on, syncOf } from './sdk.ts';

const checkpoint = (shape: z.ZodRawShape) => ({ checkpoint: z.object(shape) });

test('a checkpoint is kept from run to run, and cleared', async () => {
  const host = new TestHost();
  const more = checkpoint({ at: z.string(), page: z.number(), done: z.boolean() });
  await on(host, async (nango) => {
    assert.equal(await nango.getCheckpoint(), null);
    await nango.saveCheckpoint({ at: new Date(0), page: 3, done: false, none: undefined });
  }, more);
  assert.deepEqual(host.checkpoint, { at: '1970-01-01T00:00:00.000Z', page: 3, done: false });
  await on(host, async (nango) => {
    assert.deepEqual(await nango.getCheckpoint(), { at: '1970-01-01T00:00:00.000Z', page: 3, done: false });
    await nango.clearCheckpoint();
    assert.equal(await nango.getCheckpoint(), null);
  }, more);
});

test('a checkpoint that is not flat, or not as declared, is refused', async () => {
  const rows: [value: unknown, says: RegExp][] = [
    [{ page: { n: 1 } }, /`page` must be a string, a number or a boolean, not \{"n":1\}/],
    [{ page: [1] }, /`page` must be/],
    [{ page: null }, /`page` must be .* not null/],
    [{ page: Number.NaN }, /`page` must be .* not null/],
    [{ page: 'x' }, /Invalid input: expected number, received string at `page`/],
    [{}, /at `page`/],
    [[1], /must be an object/],
    [undefined, /must have a JSON form/],
  ];
  const host = new TestHost();
  await on(host, async (nango) => {
    for (const [value, says] of rows) assert.match((await errorOf(() => nango.saveCheckpoint(value))).message, says);
  }, checkpoint({ page: z.number() }));
  assert.equal(host.checkpoint, undefined);
});

test('metadata is read, replaced and merged', async () => {
  const host = new TestHost().withMetadata({ team: 'a', deep: { x: 1 } });
  await on(host, async (nango) => {
    assert.deepEqual(await nango.getMetadata(), { team: 'a', deep: { x: 1 } });
    const { data, status } = await nango.updateMetadata({ deep: { y: 2 } });
    assert.deepEqual([status, data], [200, { connection_id: 'local', provider_config_key: 'local', metadata: { team: 'a', deep: { y: 2 } } }]);
    await nango.setMetadata({ fieldMapping: { a: 'b' } });
    assert.deepEqual(await nango.getFieldMapping(), { a: 'b' });
    await nango.setFieldMapping({ c: 'd' });
    assert.deepEqual(await nango.getFieldMapping(), {});
    for (const wrong of [null, 'x', [1]]) assert.match((await errorOf(() => nango.setMetadata(wrong))).message, /must be an object/);
  });
  assert.deepEqual(host.metadata, { c: 'd' });
});

test('a connection is told without any secret', async () => {
  const config = { subdomain: 'acme', provider: 'zendesk', auth_mode: 'API_KEY' };
  const host = new TestHost().config(config).withMetadata({ team: 'a' }).facts({ connectionId: 'c-1', integration: 'zendesk-eu' });
  await on(host, async (nango) => {
    const connection = await nango.getConnection();
    assert.deepEqual(
      [connection.connection_id, connection.provider_config_key, connection.provider, connection.connection_config, connection.metadata],
      ['c-1', 'zendesk-eu', 'zendesk', config, { team: 'a' }],
    );
    const { credentials } = connection;
    assert.deepEqual([credentials.apiKey, credentials['access_token'], credentials.type, credentials.raw.token], [
      '{{secret.apiKey}}', '{{secret.access_token}}', 'API_KEY', '{{secret.raw.token}}',
    ]);
    assert.equal('apiKey' in credentials, true);
    assert.equal(await nango.getToken(), '{{secret.access_token}}');
    assert.equal(JSON.stringify(await credentials), '{}');
    assert.deepEqual([nango.connectionId, nango.providerConfigKey, nango.provider], ['c-1', 'zendesk-eu', 'zendesk']);
    assert.equal((await nango.getConnection('zendesk-eu', 'c-1')).connection_id, 'c-1');
    assert.match((await errorOf(() => nango.getConnection('zendesk-eu', 'c-2'))).message, /only its own connection: `c-1` of `zendesk-eu`, not `c-2`/);
    const { unique_key, provider, webhook_url } = await nango.getIntegration({ include: ['webhook'] });
    assert.deepEqual([unique_key, provider, webhook_url], ['zendesk-eu', 'zendesk', null]);
  });
  assert.equal(host.logs.filter(({ level }) => level === 'warn').length, 1, 'that secrets are placeholders is said once');
});

test('what a sync does not have is nothing, or says why', async () => {
  await on(new TestHost().facts({ variant: 'eu' }), async (nango) => {
    assert.deepEqual(
      [await nango.getWebhookURL(), await nango.getEnvironmentVariables(), nango.getFlowAttributes(), nango.lastSyncDate],
      [null, [], {}, undefined],
    );
    assert.deepEqual([nango.variant, nango.getVariant(), nango.modelFullName('User')], ['eu', 'eu', 'User::eu']);
    const refused = [nango.triggerAction('a', 'b', 'c'), nango.triggerSync('a', 'b', 'c'), nango.startSync('a', ['b'])];
    for (const call of refused) assert.match((await errorOf(() => call)).message, /starts no other sync or action/);
  });
  await on(new TestHost(), (nango) => assert.equal(nango.modelFullName('User'), 'User'));
});

test('locks hold within a run', async () => {
  await on(new TestHost(), async (nango) => {
    const took = [
      await nango.tryAcquireLock({ key: 'a', ttlMs: 60_000 }),
      await nango.tryAcquireLock({ key: 'a', ttlMs: 60_000 }),
      await nango.tryAcquireLock({ key: 'b', ttlMs: 0 }),
      await nango.tryAcquireLock({ key: 'b', ttlMs: 60_000 }),
      await nango.releaseLock({ key: 'a' }),
      await nango.releaseLock({ key: 'a' }),
      await nango.tryAcquireLock({ key: 'a', ttlMs: 60_000 }),
    ];
    assert.deepEqual(took, [true, false, true, true, true, false, true]);
    await nango.releaseAllLocks();
    assert.equal(await nango.tryAcquireLock({ key: 'b', ttlMs: 1 }), true);
  });
});

test('a log line has message, attributes and level in all of its forms', async () => {
  const cycle: Record<string, unknown> = {};
  cycle['me'] = cycle;
  const rows: [args: unknown[], level: string, message: string, attributes: unknown][] = [
    [['a'], 'info', 'a', undefined],
    [['a', { level: 'warn' }], 'warn', 'a', undefined],
    [['a', { k: 1 }], 'info', 'a', { k: 1 }],
    [['a', { k: 1 }, { level: 'error' }], 'error', 'a', { k: 1 }],
    [['a', [1, 2], { level: 'debug' }], 'debug', 'a', { 0: 1, 1: 2 }],
    [['a', 1, 'b'], 'info', 'a', { 0: 1, 1: 'b' }],
    [['a', { level: 'verbose' }], 'debug', 'a', undefined],
    [['a', { level: 'http' }], 'info', 'a', undefined],
    [[{ a: 1 }], 'info', '{"a":1}', undefined],
    [[{ level: 'x', a: 1 }], 'info', '{"level":"x","a":1}', undefined],
    [[undefined], 'info', 'undefined', undefined],
    [[7n], 'info', '7', undefined],
    [[new TypeError('no')], 'info', 'TypeError: no', undefined],
    [['a', { error: new Error('no'), big: 7n }], 'info', 'a', { error: { name: 'Error', message: 'no' }, big: '7' }],
    [['a\ud800b', { k: '\ud800' }], 'info', 'a\ufffdb', { k: '\ud800' }],
    [['x'.repeat(20_000)], 'info', 'x'.repeat(8193), undefined],
    [['a', { long: 'x'.repeat(10_000) }], 'info', 'a', { note: '10011 characters of attributes left out' }],
    [['a', cycle], 'info', 'a', 'a note'],
  ];
  for (const [args, level, message, attributes] of rows) {
    const host = new TestHost();
    await on(host, async (nango) => void (await nango.log(...args)));
    const [line] = host.logs;
    assert.deepEqual([line?.level, line?.message], [level, message]);
    if (attributes === 'a note') assert.match(String(line?.attributes?.['note']), /without JSON/);
    else assert.deepEqual(line?.attributes, attributes);
  }
});

test('a logger keeps lines from its level on, and `off` stays', async () => {
  const host = new TestHost();
  await on(host, async (nango) => {
    nango.log();
    nango.setLogger({ level: 'warn' });
    await nango.log('info');
    await nango.log('warn', { level: 'warn' });
    assert.deepEqual(nango.logger, { level: 'warn' });
    nango.setLogger({ level: 'off' });
    nango.setLogger({ level: 'debug' });
    await nango.log('error', { level: 'error' });
  });
  assert.deepEqual(host.logLines, ['warn']);
});

test('an input is checked, each issue logged', async () => {
  const host = new TestHost();
  const zodSchema = z.object({ a: z.string(), b: z.object({ c: z.number() }) });
  await on(host, async (nango) => {
    const parsed = await nango.zodValidateInput({ zodSchema, input: { a: 'x', b: { c: 1 } } });
    assert.deepEqual(parsed.data, { a: 'x', b: { c: 1 } });
    const error = await errorOf(() => nango.zodValidateInput({ zodSchema, input: { a: 1, b: { c: 'x' } } }));
    assert(error instanceof nango.ActionError && error instanceof api.ActionError);
    assert.deepEqual(error.payload, { message: 'Invalid input provided' });
  });
  assert.deepEqual(host.logLines, [
    'Invalid input provided: Invalid input: expected string, received number at path a',
    'Invalid input provided: Invalid input: expected number, received string at path b.c',
  ]);
});

test('what another run left behind is not seen', async () => {
  const host = new TestHost();
  const sync = syncOf(async (nango) => {
    assert.equal(await nango.tryAcquireLock({ key: 'a', ttlMs: 60_000 }), true);
    void (await nango.getToken());
  });
  await host.mustRun(sync);
  await host.mustRun(sync);
  assert.equal(host.logs.length, 2, 'the warning is said in each run');
});
