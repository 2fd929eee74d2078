/** The manifest of a definition, and what is said of a wrong one. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as z from 'zod';
import { DefinitionError, manifestOf, nango, native } from './sdk.ts';

const User = z.object({ id: z.string(), at: z.date().optional() });
const base = { description: 'Users.', frequency: 'every hour', models: { User }, exec: () => undefined };
const sync = (more: object) => nango.createSync({ ...base, ...more } as never);

test('every field of a sync of Nango\'s is in its manifest', () => {
  const definition = sync({
    version: '1.2.3',
    syncType: 'full',
    trackDeletes: true,
    autoStart: false,
    scopes: ['read'],
    endpoints: [{ method: 'GET', path: '/users', group: 'Users' }, { path: '/more' }],
    metadata: z.object({ team: z.string().default('all') }),
    checkpoint: z.object({ since: z.string(), page: z.number(), done: z.boolean().optional() }),
  });
  assert.deepEqual(manifestOf(definition, 'fetch-users'), {
    name: 'fetch-users',
    version: '1.2.3',
    description: 'Users.',
    models: { User: { schema: { type: 'object', properties: { id: { type: 'string' }, at: {} }, required: ['id'] }, enforce: false } },
    frequency: 'every hour',
    autoStart: false,
    syncType: 'full',
    trackDeletes: true,
    checkpoint: {
      type: 'object',
      properties: { since: { type: 'string' }, page: { type: 'number' }, done: { type: 'boolean' } },
      required: ['since', 'page'],
    },
    metadata: { type: 'object', properties: { team: { type: 'string', default: 'all' } } },
    endpoints: [{ method: 'GET', path: '/users', group: 'Users' }, { method: 'GET', path: '/more' }],
    scopes: ['read'],
  });
});

test('what is not said has Nango\'s defaults, or the native ones', () => {
  const { version, autoStart, syncType, trackDeletes, checkpoint, metadata } = manifestOf(sync({ metadata: z.void() }), 'a');
  assert.deepEqual([version, autoStart, syncType, trackDeletes, checkpoint, metadata], ['0.0.1', true, 'full', false, undefined, undefined]);
  const own = (more: object) => manifestOf(native.sync({ models: { User }, run: () => undefined, ...more }), 'a');
  assert.deepEqual([own({}).syncType, own({ checkpoint: z.object({}) }).syncType], ['full', 'incremental']);
  const full = own({ name: 'mine', hosts: ['api.test'], memory: 8, ignore: { User: ['at'] } });
  assert.deepEqual([full.name, full.hosts, full.memory, full.models['User']?.ignore, full.models['User']?.enforce], ['mine', ['api.test'], 8, ['at'], undefined]);
});

test('no key is made that the manifest\'s schema does not know', () => {
  const url = new URL('../../../../wit/manifest.schema.json', import.meta.url);
  const schema = JSON.parse(readFileSync(url, 'utf8')) as { properties: object; $defs: { model: { properties: object } } };
  const made = manifestOf(native.sync({ models: { User }, frequency: 'every hour', checkpoint: z.object({}), metadata: z.object({}), endpoints: [], scopes: [], hosts: [], memory: 8, description: 'x', ignore: { User: ['at'] }, run: () => undefined }), 'a');
  for (const key of Object.keys(made)) assert(key in schema.properties, key);
  for (const key of Object.keys(manifestOf(sync({}), 'a').models['User'] ?? {})) assert(key in schema.$defs.model.properties, key);
});

test('the frequencies of the field are read, others refused', () => {
  const good = ['every hour', 'every 5 minutes', 'every 5m', 'every 1h', 'every half hour', 'every day', '30s', 'every 2 weeks', 'every month', 'Every Hour', 'cron: 0 3 * * *'];
  for (const frequency of good) assert.equal(manifestOf(sync({ frequency }), 'a').frequency, frequency);
  for (const frequency of ['hourly', 'every', 'every hour or so', '', 'cron: 0 3 * *', 'every 5 fortnights']) {
    assert.throws(() => manifestOf(sync({ frequency }), 'a'), /`frequency` is ".*", which says no interval/);
  }
});

test('a wrong definition is refused with its key', () => {
  const zod3 = { _def: { typeName: 'ZodObject' } };
  const rows: [definition: unknown, says: RegExp][] = [
    [undefined, /no default export\. Write `export default createSync/],
    [7, /default export is 7, not a sync/],
    [{}, /default export is no sync/],
    [nango.createAction({ description: 'x' } as never), /is an action \(`createAction`\), and Tidegate runs syncs only/],
    [nango.createOnEvent({ description: 'x' } as never), /is an event function/],
    [nango.createFunction({ description: 'x' }), /is a function \(`createFunction`\)/],
    [sync({ models: {} }), /`models` names no model/],
    [sync({ models: undefined }), /`models` names no model/],
    [sync({ models: { User: z.array(User) } }), /`models\.User` is a zod array\. A model is a zod object/],
    [sync({ models: { User: zod3 } }), /`models\.User` is a schema of zod 3/],
    [sync({ models: { User: { id: 'string' } } }), /`models\.User` is an object/],
    [sync({ models: { User: z.object({ name: z.string() }) } }), /`models\.User` has no `id`/],
    [sync({ models: { User: z.object({ id: z.string().optional() }) } }), /`models\.User` has an optional `id`/],
    [sync({ models: { 'My User': User } }), /`models\.My User` is named "My User"; a name has letters/],
    [sync({ checkpoint: z.object({ deep: z.object({ a: z.string() }) }) }), /`checkpoint\.deep` is not flat/],
    [sync({ checkpoint: z.object({ list: z.array(z.string()).optional() }) }), /`checkpoint\.list` is not flat/],
    [sync({ checkpoint: z.object({ either: z.union([z.string(), z.object({})]) }) }), /`checkpoint\.either` is not flat/],
    [sync({ checkpoint: z.string() }), /`checkpoint` is a zod string; it must be a zod object/],
    [sync({ metadata: z.array(z.string()) }), /`metadata` is a zod array/],
    [sync({ syncType: 'ful' }), /`syncType` is "ful"; it is `full` or `incremental`/],
    [sync({ autoStart: 'yes' }), /`autoStart` is "yes"; it must be true or false/],
    [sync({ trackDeletes: true, syncType: 'incremental', checkpoint: z.object({ a: z.string() }) }), /`trackDeletes` goes with `checkpoint` only in a full sync/],
    [sync({ scopes: 'read' }), /`scopes` must be a list of strings/],
    [sync({ endpoints: [{ method: 'GET' }] }), /`endpoints\[0\]` has no `path`/],
    [sync({ exec: undefined }), /`exec` is undefined; it must be the function/],
    [native.sync({ models: { User } } as never), /`run` is undefined; it must be the function/],
    [sync({ description: 7 }), /`description` is 7; it must be a string/],
    [native.sync({ models: { User }, memory: 1.5, run: () => undefined }), /`memory` is 1\.5; it is the memory cap in MiB/],
    [native.sync({ models: { User }, ignore: { Usr: ['at'] } as never, run: () => undefined }), /`ignore\.Usr` names no model; there is `User`/],
  ];
  for (const [definition, says] of rows) {
    assert.throws(() => manifestOf(definition, 'a'), (error) => error instanceof DefinitionError && says.test(error.message), says.source);
  }
  assert.throws(() => manifestOf(sync({}), 'a b'), /`name` is named "a b"/);
});

test('models of any depth have a schema', () => {
  type Tree = { id: string; children: Tree[] };
  const Tree: z.ZodType<Tree> = z.object({ id: z.string(), get children() { return z.array(Tree); } });
  const Wide = z.object({
    id: z.union([z.string(), z.number()]), when: z.date(), big: z.bigint(), any: z.unknown(), kind: z.enum(['a', 'b']),
    mapped: z.string().transform(Number), either: z.union([z.literal('x'), z.null()]), rest: z.record(z.string(), z.number()),
  }).catchall(z.string());
  const { models } = manifestOf(sync({ models: { Tree, Wide } }), 'a');
  assert.deepEqual(models['Wide']?.schema['required'], ['id', 'when', 'big', 'any', 'kind', 'mapped', 'either', 'rest']);
  assert.match(JSON.stringify(models['Tree']?.schema), /"\$ref":"#"/);
});
