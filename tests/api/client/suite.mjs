// Plays Nango's sync API through its official client, against the host that SUITE names.
// Prints a line of JSON for each row: {"row", "ok", "error"}. The sync is a component that
// plays the script in its connection's config, so each row says what the provider "has".

import assert from 'node:assert/strict';
import { Nango } from '@nangohq/node';

const told = JSON.parse(process.env.SUITE);
const { host, key, sync } = told;
const nango = new Nango({ host, apiKey: key, webhookSigningKey: told.signing_key });
const crm = 'crm';
let count = 0;

async function row(name, play) {
    count += 1;
    try {
        await play();
        console.log(JSON.stringify({ row: name, ok: true }));
    } catch (error) {
        const said = error?.response ? ` ${error.response.status} ${JSON.stringify(error.response.data)}` : '';
        console.log(JSON.stringify({ row: name, ok: false, error: `${error?.message}${said}` }));
    }
}

// A refusal with this status and code.
async function refused(call, status, code) {
    try {
        await call();
    } catch (error) {
        if (!error.response) throw error;
        assert.equal(error.response.status, status, JSON.stringify(error.response.data));
        assert.equal(error.response.data.error.code, code);
        return error.response.data.error;
    }
    assert.fail('it was not refused');
}

async function raw(method, path, body, headers = {}) {
    const response = await fetch(host + path, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        body: body === undefined ? undefined : JSON.stringify(body)
    });
    return { status: response.status, data: await response.json() };
}

const saves = (...records) => ['records.batch-save', 'Item', records.map((record) => JSON.stringify(record)).join('\n')];
const deletes = (...ids) => ['records.batch-delete', 'Item', ids];
const keeps = (page) => ['checkpoint.save', JSON.stringify({ page })];

// What the next runs of a connection do.
async function script(connection, ...steps) {
    const answer = await raw('PUT', `/v1/connections/${crm}/${encodeURIComponent(connection)}`, { config: { script: steps } });
    assert.equal(answer.status, 200, JSON.stringify(answer.data));
}

async function status(connection, name = sync) {
    const { syncs } = await nango.syncStatus(crm, [name], connection);
    assert.equal(syncs.length, 1);
    return syncs[0];
}

async function over(connection, name = sync) {
    for (let look = 0; look < 2000; look += 1) {
        const now = await status(connection, name);
        if (now.status !== 'RUNNING') return now;
        await new Promise((wake) => setTimeout(wake, 10));
    }
    return assert.fail('the run does not end');
}

async function run(connection, how, name = sync) {
    await nango.triggerSync(crm, [name], connection, how);
    return over(connection, name);
}

const list = (connection, more = {}) => nango.listRecords({ providerConfigKey: crm, connectionId: connection, model: 'Item', ...more });
const ids = (page) => page.records.map((record) => record.id);
const fields = ({ _nango_metadata, ...record }) => record;

// ---- records ------------------------------------------------------------------------

await script('c1', saves({ id: 'a', v: 1 }, { id: 'b', v: 1 }, { id: 'c', v: 1.5, deep: { list: [1, 'ü'] } }), keeps(1));

await row('a model that never was is empty', async () => {
    assert.deepEqual(await list('c1', { model: 'Never' }), { records: [], next_cursor: null });
});
await row('a sync that never ran has a status', async () => {
    const now = await status('c1');
    assert.equal(now.status, 'SUCCESS');
    assert.equal(now.type, 'INITIAL');
    assert.equal(now.finishedAt, undefined);
    assert.equal(now.checkpoint, null);
});
await row('a first run saves', async () => {
    const now = await run('c1');
    assert.equal(now.status, 'SUCCESS');
    assert.deepEqual(now.latestResult, { Item: { added: 3, updated: 0, deleted: 0 } });
});
await row('the status has the checkpoint, the counts and the time', async () => {
    const now = await status('c1');
    assert.deepEqual(now.checkpoint, { page: 1 });
    assert.deepEqual(now.recordCount, { Item: 3 });
    assert.ok(new Date(now.finishedAt) <= new Date());
    assert.equal(now.name, sync);
    assert.equal(now.variant, 'base');
    assert.equal(now.connection_id, 'c1');
});
await row('the records come in the order they were saved in, as they were saved', async () => {
    const page = await list('c1');
    assert.deepEqual(page.records.map(fields), [{ id: 'a', v: 1 }, { id: 'b', v: 1 }, { id: 'c', v: 1.5, deep: { list: [1, 'ü'] } }]);
    assert.equal(page.next_cursor, null);
});
await row('each record has the six fields of metadata', async () => {
    const [first] = (await list('c1')).records;
    const metadata = first._nango_metadata;
    assert.deepEqual(Object.keys(metadata).sort(), ['cursor', 'deleted_at', 'first_seen_at', 'last_action', 'last_modified_at', 'pruned_at']);
    assert.match(metadata.first_seen_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    assert.equal(metadata.first_seen_at, metadata.last_modified_at);
    assert.equal(metadata.last_action, 'ADDED');
    assert.equal(metadata.deleted_at, null);
    assert.equal(metadata.pruned_at, null);
});
for (const limit of [1, 2, 3]) {
    await row(`paging by ${limit} until null gives each once`, async () => {
        const seen = [];
        let cursor = null;
        let pages = 0;
        do {
            const page = await list('c1', { limit, cursor });
            seen.push(...ids(page));
            cursor = page.next_cursor;
            pages += 1;
        } while (cursor);
        assert.deepEqual(seen, ['a', 'b', 'c']);
        assert.equal(pages, Math.ceil(3 / limit));
    });
}
let last;
await row("the last record's cursor leads behind it", async () => {
    last = (await list('c1')).records.at(-1)._nango_metadata.cursor;
    assert.deepEqual(await list('c1', { cursor: last }), { records: [], next_cursor: null });
});
await row('a run that finds the same changes nothing', async () => {
    const now = await run('c1');
    assert.deepEqual(now.latestResult, { Item: { added: 0, updated: 0, deleted: 0 } });
    assert.equal(now.type, 'INCREMENTAL');
    assert.deepEqual(ids(await list('c1', { cursor: last })), []);
});
await row('keys in another order are the same record', async () => {
    await script('c1', saves({ v: 1, id: 'a' }));
    await run('c1');
    assert.deepEqual(ids(await list('c1', { cursor: last })), []);
});
await row('an update, a delete and an add come behind the cursor', async () => {
    await script('c1', saves({ id: 'a', v: 2 }), deletes('b'), saves({ id: 'd', v: 1 }));
    const now = await run('c1');
    assert.deepEqual(now.latestResult, { Item: { added: 1, updated: 1, deleted: 1 } });
    const page = await list('c1', { cursor: last });
    const actions = page.records.map((record) => [record.id, record._nango_metadata.last_action]);
    assert.deepEqual(actions, [['a', 'UPDATED'], ['b', 'DELETED'], ['d', 'ADDED']]);
});
await row('an update keeps when it was first seen', async () => {
    const [record] = (await list('c1', { ids: ['a'] })).records;
    assert.ok(record._nango_metadata.first_seen_at < record._nango_metadata.last_modified_at);
});
await row('a deleted record keeps its content and has deleted_at', async () => {
    const [record] = (await list('c1', { ids: ['b'] })).records;
    assert.deepEqual(fields(record), { id: 'b', v: 1 });
    assert.ok(record._nango_metadata.deleted_at);
});
const kept = { added: ['c', 'd'], updated: ['a'], deleted: ['b'] };
for (const filter of ['added', 'updated', 'deleted', 'ADDED', 'added,updated', 'added,deleted', 'updated,deleted', 'Deleted,ADDED', 'added,updated,deleted']) {
    await row(`filter ${filter} is the union of its words`, async () => {
        const wanted = filter.toLowerCase().split(',').flatMap((word) => kept[word]).sort();
        assert.deepEqual(ids(await list('c1', { filter })).sort(), wanted);
    });
}
await row('a filter pages until null', async () => {
    const first = await list('c1', { filter: 'added,deleted', limit: 2 });
    const second = await list('c1', { filter: 'added,deleted', limit: 2, cursor: first.next_cursor });
    assert.deepEqual([...ids(first), ...ids(second)], ['c', 'b', 'd']);
    assert.equal(second.next_cursor, null);
});
await row('ids picks those', async () => {
    assert.deepEqual(ids(await list('c1', { ids: ['d', 'a', 'none', 'a'] })), ['a', 'd']);
});
await row('an id may hold a comma', async () => {
    await script('comma', saves({ id: 'x,y' }, { id: 'x' }));
    await run('comma');
    assert.deepEqual(ids(await list('comma', { ids: ['x,y'] })), ['x,y']);
});
await row('ids, filter and limit go together', async () => {
    const page = await list('c1', { ids: ['a', 'b', 'c', 'd'], filter: 'added', limit: 1 });
    assert.deepEqual(ids(page), ['c']);
    const next = await list('c1', { ids: ['a', 'b', 'c', 'd'], filter: 'added', limit: 1, cursor: page.next_cursor });
    assert.deepEqual([ids(next), next.next_cursor], [['d'], null]);
});
await row('modified_after gives what changed since, the moment included', async () => {
    const all = (await list('c1')).records;
    const since = all.find((record) => record.id === 'a')._nango_metadata.last_modified_at;
    const moment = since.replace('+00:00', 'Z');
    assert.deepEqual(ids(await list('c1', { modifiedAfter: moment })), ['a', 'b', 'd']);
});
await row('delta is another word for it', async () => {
    const hour = new Date(Date.now() - 3600_000).toISOString();
    assert.equal((await list('c1', { delta: hour })).records.length, 4);
    const answer = await raw('GET', `/records?model=Item&delta=${hour}`, undefined, { 'connection-id': 'c1', 'provider-config-key': crm });
    assert.equal(answer.data.records.length, 4);
});
await row('modified_after in the future gives nothing', async () => {
    const hour = new Date(Date.now() + 3600_000).toISOString();
    assert.deepEqual(await list('c1', { modifiedAfter: hour }), { records: [], next_cursor: null });
});
await row('a deleted record that comes back is added', async () => {
    await script('c1', saves({ id: 'b', v: 1 }));
    await run('c1');
    const [record] = (await list('c1', { ids: ['b'] })).records;
    assert.equal(record._nango_metadata.last_action, 'ADDED');
    assert.equal(record._nango_metadata.deleted_at, null);
});
await row('a connection id with odd characters works', async () => {
    const odd = 'a b/{c}@"d"';
    await script(odd, saves({ id: '1' }));
    await run(odd);
    assert.deepEqual(ids(await list(odd)), ['1']);
});
await row('a cursor of nobody is refused', () => refused(() => list('c1', { cursor: 'bm90IGEgY3Vyc29y' }), 400, 'invalid_cursor'));
await row('a cursor of another stream is stale', () => refused(() => list('comma', { cursor: last }), 410, 'cursor.stale'));
await row('records of an unknown connection', () => refused(() => list('nobody'), 400, 'unknown_connection'));
await row('a limit over 10000', () => refused(() => list('c1', { limit: 10001 }), 400, 'invalid_query_params'));
await row('modified_after of more than a year ago', () => refused(() => list('c1', { modifiedAfter: '2001-01-01T00:00:00Z' }), 400, 'invalid_query_params'));
const prune = (connection, untilCursor, rest = {}) => nango.pruneRecords({ providerConfigKey: crm, connectionId: connection, model: 'Item', untilCursor, ...rest });
const pruned = (page) => page.records.filter((record) => record._nango_metadata.pruned_at !== null).map((record) => record.id);
await row('prune takes the content of what was read, the oldest first', async () => {
    await script('old', saves({ id: '1', v: 1 }, { id: '2', v: 1 }, { id: '3', v: 1 }, { id: '4', v: 1 }));
    await run('old');
    const before = (await list('old')).records;
    const third = before[2]._nango_metadata.cursor;
    assert.deepEqual(await prune('old', third, { limit: 2 }), { count: 2, has_more: true });
    assert.deepEqual(await prune('old', third), { count: 1, has_more: false });
    assert.deepEqual(await prune('old', third), { count: 0, has_more: false });
    const after = (await list('old')).records;
    assert.deepEqual(pruned({ records: after }), ['1', '2', '3']);
    const { pruned_at, ...metadata } = after[0]._nango_metadata;
    assert.ok(!Number.isNaN(Date.parse(pruned_at)));
    assert.deepEqual(after[0], { id: '1', _nango_metadata: after[0]._nango_metadata });
    const { pruned_at: none, ...was } = before[0]._nango_metadata;
    assert.deepEqual(metadata, was);
    assert.deepEqual(after[3], before[3]);
});
await row('what was pruned comes back with the same content and is no change', async () => {
    const [, , , fourth] = (await list('old')).records;
    await script('old', saves({ id: '1', v: 1 }, { id: '2', v: 2 }));
    await run('old');
    const page = await list('old');
    assert.deepEqual(ids(page), ['1', '3', '4', '2']);
    assert.deepEqual(pruned(page), ['3']);
    assert.equal(page.records[0].v, 1);
    const news = await list('old', { cursor: fourth._nango_metadata.cursor });
    assert.deepEqual(ids(news), ['2']);
    assert.equal(news.records[0]._nango_metadata.last_action, 'UPDATED');
});
await row('a prune up to a cursor of nobody', () => refused(() => prune('old', 'bm90IGEgY3Vyc29y'), 400, 'invalid_cursor'));
await row('a prune up to a cursor of another stream', () => refused(() => prune('comma', last), 410, 'cursor.stale'));
await row('a prune of an unknown connection', () => refused(() => prune('nobody', last), 400, 'unknown_connection'));
await row('a prune of more than 10000', () => refused(() => prune('old', last, { limit: 10001 }), 400, 'invalid_body'));

// ---- trigger, start, pause ----------------------------------------------------------

await row('trigger without options keeps the checkpoint', async () => {
    await script('t', saves({ id: '1' }, { id: '2' }), keeps(7));
    await run('t');
    await script('t');
    assert.deepEqual((await run('t')).checkpoint, { page: 7 });
});
await row('trigger with reset takes the checkpoint and keeps the records', async () => {
    const now = await run('t', { reset: true });
    assert.equal(now.checkpoint, null);
    assert.deepEqual(now.recordCount, { Item: 2 });
});
await row('emptyCache without reset does nothing', async () => {
    assert.deepEqual((await run('t', { emptyCache: true })).recordCount, { Item: 2 });
});
await row('reset with emptyCache takes the records too', async () => {
    assert.deepEqual((await run('t', { reset: true, emptyCache: true })).recordCount, { Item: 0 });
});
const modes = { incremental: [{ page: 7 }, 2], full_refresh: [null, 2], full_refresh_and_clear_cache: [null, 0] };
for (const [mode, [checkpoint, records]] of Object.entries(modes)) {
    await row(`trigger in the old mode ${mode}`, async () => {
        await script('t', saves({ id: '1' }, { id: '2' }), keeps(7));
        await run('t');
        await script('t');
        const now = await run('t', mode);
        assert.deepEqual([now.checkpoint, now.recordCount], [checkpoint, { Item: records }]);
    });
}
for (const [full, checkpoint] of [[false, { page: 7 }], [true, null]]) {
    await row(`trigger with the old flag ${full}`, async () => {
        await script('t', saves({ id: '1' }), keeps(7));
        await run('t');
        await script('t');
        assert.deepEqual((await run('t', full)).checkpoint, checkpoint);
    });
}
await row('trigger takes {name, variant}', async () => {
    const answer = await nango.triggerSync(crm, [{ name: sync, variant: 'base' }], 't');
    assert.equal(answer.data.success, true);
    await over('t');
});
await row('trigger takes the selection from headers', async () => {
    const answer = await raw('POST', '/sync/trigger', { syncs: [sync] }, { 'connection-id': 't', 'provider-config-key': crm });
    assert.equal(answer.data.success, true);
    await over('t');
});
await row('trigger without names and connection runs all', async () => {
    await script('t', saves({ id: 'of all' }));
    const answer = await nango.triggerSync(crm, []);
    assert.equal(answer.data.success, true);
    await over('t');
    assert.ok(ids(await list('t')).includes('of all'));
});
await row('a trigger while it runs tells so', async () => {
    await script('busy', ['run.sleep', 1500]);
    await nango.triggerSync(crm, [sync], 'busy');
    let told = 0;
    for (let look = 0; look < 100 && told === 0; look += 1) {
        told = (await nango.triggerSync(crm, [sync], 'busy')).data.already_running;
        await new Promise((wake) => setTimeout(wake, 10));
    }
    assert.equal(told, 1);
    const now = await status('busy');
    assert.deepEqual([now.status, now.finishedAt, now.latestExecutionStatus], ['RUNNING', undefined, 'RUNNING']);
    await over('busy');
});
await row('pause shows, and a trigger runs nevertheless', async () => {
    await nango.pauseSync(crm, [sync], 't');
    assert.equal((await status('t')).status, 'PAUSED');
    await script('t', saves({ id: 'while paused' }));
    assert.equal((await run('t')).status, 'PAUSED');
    assert.ok(ids(await list('t')).includes('while paused'));
});
await row('start runs at once', async () => {
    await script('t', saves({ id: 'at start' }));
    await nango.startSync(crm, [sync], 't');
    assert.equal((await over('t')).status, 'SUCCESS');
    assert.ok(ids(await list('t')).includes('at start'));
});
await row('pause without a connection pauses all', async () => {
    await nango.pauseSync(crm, [sync]);
    for (const one of (await nango.syncStatus(crm, '*')).syncs) await over(one.connection_id);
    const { syncs } = await nango.syncStatus(crm, '*');
    assert.ok(syncs.length > 3 && syncs.every((one) => one.status === 'PAUSED'));
    await nango.startSync(crm, [sync]);
    for (const one of syncs) assert.equal((await over(one.connection_id)).status, 'SUCCESS');
});
await row('a run that fails shows as an error, and its connection too', async () => {
    await script('bad', 'not a list');
    assert.equal((await run('bad')).status, 'ERROR');
    const { connections } = await nango.listConnections({ connectionId: 'bad' });
    assert.equal(connections[0].errors[0].type, 'sync');
});
await row('trigger for an unknown integration', () => refused(() => nango.triggerSync('none', [sync], 't'), 400, 'unknown_provider_config'));
await row('trigger for an unknown connection', () => refused(() => nango.triggerSync(crm, [sync], 'nobody'), 404, 'unknown_connection'));
await row('trigger of an unknown sync', () => refused(() => nango.triggerSync(crm, ['none'], 't'), 400, 'no_syncs_found'));
await row('start for an unknown connection', () => refused(() => nango.startSync(crm, [sync], 'nobody'), 404, 'unknown_connection'));
await row('pause for an unknown connection', () => refused(() => nango.pauseSync(crm, [sync], 'nobody'), 404, 'unknown_connection'));
await row('status of an unknown connection', () => refused(() => nango.syncStatus(crm, [sync], 'nobody'), 400, 'invalid_body'));

// ---- frequency and variants ---------------------------------------------------------

await row('a frequency is set without its every', async () => {
    assert.deepEqual(await nango.updateSyncConnectionFrequency(crm, sync, 't', 'every 5 minutes'), { frequency: '5 minutes' });
    const now = await status('t');
    assert.equal(now.frequency, '5 minutes');
    assert.ok(new Date(now.nextScheduledSyncAt) - Date.now() <= 5 * 60_000);
});
await row('null takes it back', async () => {
    assert.deepEqual(await nango.updateSyncConnectionFrequency(crm, sync, 't', null), { frequency: null });
    assert.equal((await status('t')).nextScheduledSyncAt, null);
});
await row('a frequency that is too short', () => refused(() => nango.updateSyncConnectionFrequency(crm, sync, 't', 'every 5 seconds'), 400, 'sync_interval_too_short'));
await row('a frequency of an unknown connection', () => refused(() => nango.updateSyncConnectionFrequency(crm, sync, 'nobody', '1h'), 400, 'unknown_connection'));
await row('a frequency of an unknown sync', () => refused(() => nango.updateSyncConnectionFrequency(crm, 'none', 't', '1h'), 400, 'unknown_sync'));
await row('a variant is made', async () => {
    const made = await nango.createSyncVariant({ provider_config_key: crm, connection_id: 't', name: sync, variant: 'v1' });
    assert.equal(made.name, sync);
    assert.equal(made.variant, 'v1');
    assert.ok(made.id);
});
await row('a variant has records, a checkpoint and a frequency of its own', async () => {
    await script('t', saves({ id: 'of v1' }), keeps(9));
    const now = await run('t', undefined, `${sync}::v1`);
    assert.deepEqual([now.variant, now.checkpoint, now.recordCount], ['v1', { page: 9 }, { Item: 1 }]);
    assert.deepEqual(ids(await list('t', { variant: 'v1' })), ['of v1']);
    assert.ok(!ids(await list('t')).includes('of v1'));
    const answer = await nango.updateSyncConnectionFrequency(crm, { name: sync, variant: 'v1' }, 't', '2h');
    assert.equal(answer.frequency, '2h');
    assert.equal((await status('t')).frequency, null);
});
await row('variant base is the plain one', async () => {
    assert.deepEqual(await list('t', { variant: 'base' }), await list('t'));
});
await row('the variant is there already', () => refused(() => nango.createSyncVariant({ provider_config_key: crm, connection_id: 't', name: sync, variant: 'v1' }), 400, 'sync_variant_already_exists'));
await row('a variant of an unknown sync', () => refused(() => nango.createSyncVariant({ provider_config_key: crm, connection_id: 't', name: 'none', variant: 'v1' }), 400, 'unknown_sync'));
await row('base is no variant to make', () => refused(() => nango.createSyncVariant({ provider_config_key: crm, connection_id: 't', name: sync, variant: 'base' }), 400, 'invalid_variant'));
await row('a variant that is deleted is gone with its records', async () => {
    await nango.deleteSyncVariant({ provider_config_key: crm, connection_id: 't', name: sync, variant: 'v1' });
    assert.deepEqual(ids(await list('t', { variant: 'v1' })), []);
});
await row('and cannot be deleted again', () => refused(() => nango.deleteSyncVariant({ provider_config_key: crm, connection_id: 't', name: sync, variant: 'v1' }), 404, 'not_found'));

// ---- metadata and connections -------------------------------------------------------

await row('metadata that was never set is null', async () => {
    assert.equal(await nango.getMetadata(crm, 't'), null);
});
await row('metadata is set: 201, echoed', async () => {
    const answer = await nango.setMetadata(crm, 't', { a: 1, deep: { b: 2 } });
    assert.equal(answer.status, 201);
    assert.deepEqual(answer.data, { metadata: { a: 1, deep: { b: 2 } }, connection_id: 't', provider_config_key: crm });
    assert.deepEqual(await nango.getMetadata(crm, 't'), { a: 1, deep: { b: 2 } });
});
await row('metadata is updated: 200, on the first level, null stays', async () => {
    const answer = await nango.updateMetadata(crm, 't', { deep: { c: 3 }, n: null });
    assert.equal(answer.status, 200);
    assert.deepEqual(await nango.getMetadata(crm, 't'), { a: 1, deep: { c: 3 }, n: null });
});
await row('metadata of several connections', async () => {
    await nango.setMetadata(crm, ['t', 'c1'], { both: true });
    assert.deepEqual([await nango.getMetadata(crm, 't'), await nango.getMetadata(crm, 'c1')], [{ both: true }, { both: true }]);
});
await row('metadata is all or nothing', async () => {
    await refused(() => nango.setMetadata(crm, ['t', 'nobody'], { lost: 1 }), 404, 'unknown_connection');
    assert.deepEqual(await nango.getMetadata(crm, 't'), { both: true });
});
await row('metadata reaches the sync', async () => {
    await script('t', ['metadata.get']);
    await run('t');
    const runs = await raw('GET', '/v1/runs?limit=1');
    const log = await raw('GET', `/v1/runs/${runs.data.runs[0].id}/log`);
    assert.ok(JSON.stringify(log.data.lines).includes('both'));
});
await row('a connection has no credentials to show', async () => {
    const connection = await nango.getConnection(crm, 't');
    assert.deepEqual([connection.connection_id, connection.provider_config_key, connection.provider], ['t', crm, 'a crm']);
    assert.deepEqual(connection.credentials, {});
});
await row('connections are listed, filtered and paged', async () => {
    const all = (await nango.listConnections({})).connections;
    assert.ok(all.length > 4);
    assert.deepEqual((await nango.listConnections({ connectionId: 't' })).connections.map((one) => one.connection_id), ['t']);
    assert.equal((await nango.listConnections({ integrationId: 'none' })).connections.length, 0);
    assert.equal((await nango.listConnections({ integrationId: ['none', crm], limit: 2 })).connections.length, 2);
});
await row('tags and the webhook address are changed', async () => {
    await nango.patchConnection({ connectionId: 't', provider_config_key: crm }, { tags: { team: 'x' }, webhook_url_override: 'https://example.com/hook' });
    assert.deepEqual((await nango.listConnections({ tags: { team: 'x' } })).connections.map((one) => one.connection_id), ['t']);
    assert.equal((await nango.getConnection(crm, 't')).webhook_url_override, 'https://example.com/hook');
});
await row('an unknown connection is not found', () => refused(() => nango.getConnection(crm, 'nobody'), 404, 'not_found'));
await row('a connection of an unknown integration', () => refused(() => nango.getConnection('none', 't'), 400, 'unknown_provider_config'));
await row('a connection is deleted', async () => {
    await nango.deleteConnection(crm, 'comma');
    await refused(() => nango.getConnection(crm, 'comma'), 404, 'not_found');
});

// ---- what is set up, keys, signatures -----------------------------------------------

await row('integrations are listed', async () => {
    assert.deepEqual((await nango.listIntegrations()).configs.map((one) => one.unique_key), [crm]);
});
await row('one integration', async () => {
    assert.equal((await nango.getIntegration({ uniqueKey: crm }, { include: ['webhook'] })).data.unique_key, crm);
});
await row('the scripts', async () => {
    const [one] = await nango.getScriptsConfig();
    assert.deepEqual([one.providerConfigKey, one.syncs.map((each) => each.name)], [crm, [sync]]);
});
await row('the functions', async () => {
    assert.equal((await nango.listFunctions({ uniqueKey: crm })).data[0].name, sync);
});
await row('the environment variables', async () => {
    assert.deepEqual(await nango.getEnvironmentVariables(), []);
});
await row('a wrong key', () => refused(() => new Nango({ host, apiKey: '11111111-1111-4111-8111-111111111111' }).listConnections({}), 401, 'unknown_account'));
const { body, hmac, legacy } = told.webhook;
const headers = (signature) => ({ 'X-Nango-Hmac-Sha256': signature });
await row('our signature of a webhook verifies', () => assert.equal(nango.verifyIncomingWebhookRequest(body, headers(hmac)), true));
await row('and not that of another body', () => assert.equal(nango.verifyIncomingWebhookRequest(body.replace('c1', 'c2'), headers(hmac)), false));
await row('nor another signature', () => assert.equal(nango.verifyIncomingWebhookRequest(body, headers(legacy)), false));
await row('our old signature verifies', () => assert.equal(nango.verifyWebhookSignature(legacy, JSON.parse(body)), true));
await row('and not that of another body, in the old way', () => assert.equal(nango.verifyWebhookSignature(legacy, { ...JSON.parse(body), connectionId: 'c2' }), false));

process.exitCode = count > 0 ? 0 : 1;
