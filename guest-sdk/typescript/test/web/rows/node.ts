import type { Row } from '../rows.ts';
import assert from 'node:assert';
import strictAssert from 'node:assert/strict';
import EventEmitter, { once } from 'node:events';
import path from 'node:path';
import querystring from 'node:querystring';
import { URL as NodeURL } from 'node:url';
import util from 'node:util';

const PATHS = ['', '.', '..', '/', 'a', '/a', 'a/', '/a/', 'a/b', '/a/b/', 'a//b', './a', '../a', 'a/../b', '/../a', 'a/./b/..', 'a.b', 'a.b.c', '.a', '.a.b', 'a.', '..a', '/a/b.c', 'a/b.c/', '/.', 'a/..', './..', '/a/../..'];
const QUERIES = ['', 'a', 'a=', '=a', 'a=b', 'a=b&a=c&a=d', 'a+b=c%20d', '%zz=1', 'ä=%C3%B6', 'a=b=c', '&&a&', 'a[]=1', '__proto__=1', '%E4=x'];

const EQUALS: [unknown, unknown][] = [
  [1, 1], [1, '1'], [NaN, NaN], [0, -0], [null, undefined], [{ a: 1 }, { a: 1 }], [{ a: 1 }, { a: '1' }], [{ a: 1 }, { b: 1 }],
  [[1, 2], [1, 2]], [[1, 2], [2, 1]], [[1], { 0: 1 }], [new Date(1), new Date(1)], [new Date(1), new Date(2)], [/a/g, /a/g], [/a/g, /a/i],
  [new Map([[1, { a: 1 }]]), new Map([[1, { a: 1 }]])], [new Map([[1, 2]]), new Map([[1, 3]])], [new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1])], [new Set([1]), new Set([2])],
  [Uint8Array.of(1), Uint8Array.of(1)], [Uint8Array.of(1), Uint8Array.of(2)], [new Error('a'), new Error('a')], [new Error('a'), new Error('b')],
  [{ a: undefined }, {}], [Object.create(null), {}], ['a', new String('a')], [new Number(1), new Number(1)], [5n, 5n],
];

const passes = (call: () => unknown) => {
  try {
    call();
    return true;
  } catch (error) {
    return (error as Error).name;
  }
};

function emitted(): unknown[] {
  const seen: unknown[] = [];
  const emitter = new EventEmitter();
  const on = (...args: unknown[]) => seen.push(['on', ...args]);
  emitter.on('x', on).once('x', (each) => seen.push(['once', each])).prependListener('x', () => seen.push('first'));
  seen.push(emitter.emit('x', 1, 2), emitter.emit('x', 3), emitter.emit('y'), emitter.listenerCount('x'), emitter.eventNames());
  emitter.off('x', on).removeAllListeners('x');
  seen.push(emitter.emit('x'), passes(() => emitter.emit('error', new TypeError('bad'))), emitter.listeners('x'));
  return seen;
}

class Own extends EventEmitter {
  go(): boolean {
    return this.emit('gone', 'with it');
  }
}

export const rows: Row[] = [
  ...PATHS.map((each): Row => [
    `path ${JSON.stringify(each)}`,
    () => [path.normalize(each), path.dirname(each), path.basename(each), path.extname(each), path.isAbsolute(each), { ...path.parse(each) }, path.resolve('/', each), path.format(path.parse(each))],
  ]),
  ...PATHS.map((each): Row => [`join ${JSON.stringify(each)}`, () => [path.join(each, 'x'), path.join('/y', each), path.join(each, '../z'), path.relative('/a/b', path.resolve('/', each)), path.basename(each, '.c')]]),
  ['join nothing', () => [path.join(), path.join(''), path.posix.sep, path.delimiter]],
  ...QUERIES.map((each): Row => [`querystring ${each}`, () => ({ ...querystring.parse(each) })]),
  ['querystring stringify', () => [querystring.stringify({ a: 'b c', d: ['e', 'ü'], f: 1, g: true, h: null, i: undefined, j: NaN, k: '&=' }), querystring.stringify({}), querystring.stringify({ a: 'b', c: 'd' }, ';', ':'), querystring.escape("a b!'()*~"), querystring.unescape('%zz%20')]],
  ...EQUALS.map(([a, b], at): Row => [
    `equal ${at}`,
    () => [passes(() => assert.equal(a, b)), passes(() => assert.strictEqual(a, b)), passes(() => assert.deepEqual(a, b)), passes(() => assert.deepStrictEqual(a, b)), passes(() => assert.notDeepStrictEqual(a, b)), util.isDeepStrictEqual(a, b), passes(() => strictAssert.equal(a, b))],
  ]),
  ['assert', () => [passes(() => assert(1)), passes(() => assert(0)), passes(() => assert.ok('')), passes(() => assert.fail('x')), passes(() => assert.match('abc', /b/)), passes(() => assert.ifError(null))]],
  ['assert message', () => { try { assert.equal(1, 2, 'because'); return ''; } catch (error) { return (error as Error).message; } }],
  ['throws', () => { const bad = () => { throw new TypeError('bad'); }; return [passes(() => assert.throws(bad)), passes(() => assert.throws(bad, TypeError)), passes(() => assert.throws(bad, RangeError)), passes(() => assert.throws(bad, /bad/)), passes(() => assert.throws(bad, { message: 'bad' })), passes(() => assert.throws(() => 1))]; }],
  ['rejects', async () => { await assert.rejects(Promise.reject(new Error('x')), /x/); return 'fine'; }],
  ['events', emitted],
  ['events of a class', () => { const seen: unknown[] = []; const own = new Own(); own.on('gone', (how) => seen.push(how)); return [own.go(), seen, own instanceof EventEmitter]; }],
  ['events once', async () => { const emitter = new EventEmitter(); const next = once(emitter, 'x'); emitter.emit('x', 1, 2); return next; }],
  ['promisify', () => util.promisify((a: number, done: (error: unknown, value: number) => void) => done(null, a + 1))(1)],
  ['promisify an error', () => util.promisify((done: (error: unknown) => void) => done(new RangeError('x')))()],
  ['callbackify', () => new Promise((resolve) => util.callbackify(async (a: number) => a + 1)(1, (error, value) => resolve([error, value])))],
  ['types', () => [util.types.isDate(new Date()), util.types.isRegExp(/a/), util.types.isPromise(Promise.resolve()), util.types.isUint8Array(Buffer.alloc(1)), util.types.isNativeError(new Error()), util.types.isAsyncFunction(async () => {}), util.types.isMap({})]],
  ['no colours', () => util.stripVTControlCharacters('\u001b[31mred\u001b[0m')],
  ['node:url', () => new NodeURL('https://a.b/c').pathname],
  ['process', () => [typeof process.version, process.env['NOTHING'], Array.isArray(process.hrtime()), typeof process.hrtime.bigint(), process.cwd().startsWith('/')]],
  ['next tick', () => new Promise((resolve) => process.nextTick((a: string) => resolve(a), 'x'))],
  ['global', () => (global as unknown) === globalThis],
];
