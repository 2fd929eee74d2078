import type { Row } from '../rows.ts';
import { format, inspect } from 'node:util';

class Animal {
  constructor(public name = 'rex') {}
}
class Dog extends Animal {}
class Tagged {
  get [Symbol.toStringTag]() {
    return 'tag';
  }
}

const circle: Record<string, unknown> = { a: 1 };
circle['self'] = circle;
circle['inner'] = { back: circle };

const VALUES: unknown[] = [
  undefined, null, true, 0, -0, 1.5, NaN, Infinity, 5n, 'text', "it's", `it's "so"`, 'a\nb\t\\', '\u001b[1m', '', Symbol('s'), Symbol(),
  {}, [], { a: 1 }, { 'a-b': 1, 'c d': 2, 3: 4, $a: 5, _b: 6, [Symbol('k')]: 7 }, [1, 'a', null], [[1, [2, [3, [4]]]]],
  { a: { b: { c: { d: 1 } } } }, { a: { b: { c: {} } } }, { a: [{ b: [{}] }] },
  [, 1, , , 2, ,], Object.assign([1], { extra: 'x' }),
  'x'.repeat(200), { long: 'y'.repeat(60), other: 'z'.repeat(60) }, { a: 'a'.repeat(30), b: 'b'.repeat(30) },
  { list: ['aaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbbbb', 'cccccccccccccccccccccc', 'ddddddddddddd'] },
  { id: 1, name: 'Some name', tags: ['a', 'b'], nested: { created: new Date(0), values: [1, 2, 3] }, on: true },
  new Map<unknown, unknown>([['a', 1], [{ b: 2 }, [3]]]), new Map(), new Set([1, 'a', { b: 1 }]), new Set(), new WeakMap(), new WeakSet(),
  new Date(0), new Date(NaN), /a\/b/gi, Uint8Array.of(1, 2, 3), new Float64Array(0), Uint8Array.of(1, 2).buffer,
  () => 1, function named() {}, async () => {}, function* gen() {}, class {}, Animal, Dog,
  new Animal(), new Dog(), new Tagged(), Object.create(null), Object.assign(Object.create(null), { a: 1 }), Object.create({}),
  new Number(3), new String('abc'), new Boolean(false), Object.assign(() => 1, { a: 1 }),
  { get a() { return 1; }, set b(_value: number) {}, get c() { return 1; }, set c(_value: number) {} },
  circle, [circle], Buffer.from('abc'), new URLSearchParams('a=1&b=2'), Object.defineProperty(new Error('no stack'), 'stack', { value: undefined }),
  { [Symbol.for('nodejs.util.inspect.custom')]: () => 'custom' }, [null, undefined], { u: undefined, n: null },
  Array.from({ length: 6 }, (_, at) => at), new Map([[1, { a: { b: { c: 1 } } }]]), { s: new Set([[1, [2]]]) }, Math, JSON, globalThis.Symbol.iterator,
];

const FORMATS: unknown[][] = [
  [], ['a'], ['a', 'b', 1], [1, 'a', { b: 'c' }], ['%s', 'x'], ['%s is %d', 'a', 5], ['%s', { a: { b: { c: 1 } } }], ['%s', [1, [2, [3]]]],
  ['%s', 5n], ['%s', Symbol('a')], ['%s', null], ['%s', -0], ['%s', () => 1], ['%s', new Animal()], ['%s', new Date(0)], ['%s', { toString: () => 'mine' }],
  ['%d', '42'], ['%d', 'x'], ['%d', 5n], ['%d', {}], ['%d', -0], ['%i', '42.9'], ['%i', 'x'], ['%i', 5.5], ['%f', '1.50'], ['%f', 'x'],
  ['%j', { a: 1 }], ['%j', circle], ['%j', undefined], ['%o', [1]].slice(0, 1), ['%O', { a: { b: { c: { d: 1 } } } }], ['%c styled', 'css'], ['100%', 1], ['%%', 1], ['%%'],
  ['%s'], ['%s %s', 'a'], ['%x', 1], ['a', undefined, null], [null, 'a'], ['%s', 'a', 'b', { c: 1 }],
];

export const rows: Row[] = [
  ...VALUES.map((value, at): Row => [`inspect ${at}`, () => inspect(value)]),
  ...VALUES.map((value, at): Row => [`in an object ${at}`, () => inspect({ value, other: [value] })]),
  ...FORMATS.map((args, at): Row => [`format ${at} ${String(args[0])}`, () => format(...args)]),
  ['depth 0', () => inspect({ a: { b: 1 }, c: [1] }, { depth: 0 })],
  ['all depths', () => inspect({ a: { b: { c: { d: { e: 1 } } } } }, { depth: null })],
  ['few elements', () => inspect(['a', 'b', 'c'], { maxArrayLength: 1 })],
  ['few characters', () => inspect('abcdef', { maxStringLength: 2 })],
  ['sorted', () => inspect({ b: 1, a: 2 }, { sorted: true })],
  ['narrow', () => inspect({ a: 1, b: [1, 2] }, { breakLength: 10 })],
  ['many', () => inspect(Array.from({ length: 120 }, () => 'x'.repeat(80))).endsWith('... 20 more items\n]')],
  ['an error', () => inspect(new TypeError('bad')).split('\n')[0]],
  ['an error with a cause', () => inspect(new Error('outer', { cause: 'inner' })).includes("[cause]: 'inner'")],
  ['an error with properties', () => inspect(Object.assign(new Error('x'), { code: 5 })).endsWith('{\n  code: 5\n}')],
];
