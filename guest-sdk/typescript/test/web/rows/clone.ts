import type { Row } from '../rows.ts';

class Point {
  constructor(readonly x: number) {}
}

const circle: Record<string, unknown> = { name: 'circle' };
circle['self'] = circle;

const VALUES: [string, unknown][] = [
  ['undefined', undefined], ['null', null], ['NaN', NaN], ['-0', -0], ['bigint', 5n], ['text', 'a\ud800'],
  ['object', { a: 1, b: { c: [1, 2, { d: undefined }] } }],
  ['array with a hole', [1, , 3]],
  ['date', new Date(5)], ['invalid date', new Date(NaN)], ['regex', /a\/b/gi],
  ['map', new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'x'])]])],
  ['set', new Set([new Date(1), null])],
  ['bytes', Uint8Array.of(1, 2, 3)], ['part of bytes', Uint8Array.of(1, 2, 3, 4).subarray(1, 3)],
  ['floats', Float64Array.of(1.5, -0)], ['buffer', Uint8Array.of(9).buffer],
  ['error', new TypeError('bad')], ['boxed', [new Number(1), new String('a'), new Boolean(false)]],
  ['instance', new Point(3)],
];

export const rows: Row[] = [
  ...VALUES.map(([name, value]): Row => [name, () => structuredClone(value)]),
  ['circle', () => { const copy = structuredClone(circle); return [copy !== circle, copy['self'] === copy, copy['name']]; }],
  ['the same twice', () => { const one = {}; const copy = structuredClone([one, one]); return copy[0] === copy[1] && copy[0] !== one; }],
  ['deep', () => { const from = { a: { b: 1 } }; const copy = structuredClone(from); copy.a.b = 2; return from; }],
  ['function', () => structuredClone(() => 1)],
  ['function inside', () => structuredClone({ a: [() => 1] })],
  ['symbol', () => structuredClone(Symbol('a'))],
  ['a class is lost', () => structuredClone(new Point(1)) instanceof Point],
];
