/** The small parts that stand for what the engine lacks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import './sdk.ts';

const { Bytes, decodeUtf8 } = await import('../../src/guest/bytes.ts');
const { linkIn, splitOrigin } = await import('../../src/guest/link.ts');
const { at, put } = await import('../../src/guest/path.ts');
const { form, pairsOf, without } = await import('../../src/guest/nango/query.ts');
const { loneSurrogateIn, wellFormed } = await import('../../src/guest/text.ts');

/** Numbers that are the same in each run of the test. */
function* random(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 16;
  }
}

test('bytes are decoded as the platform does it', () => {
  const decoder = new TextDecoder();
  const same = (bytes: number[]) => assert.equal(decodeUtf8(Uint8Array.from(bytes)), decoder.decode(Uint8Array.from(bytes)), bytes.join());
  // Every sequence of two interesting bytes, with room before and after.
  const edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff];
  for (const a of edges) for (const b of edges) for (const c of [0x41, 0x80, 0xbf]) same([0x41, a, b, c, c]);
  const numbers = random(7);
  for (let round = 0; round < 300; round++) {
    same(Array.from({ length: 12 }, () => { const n = numbers.next().value as number; return edges[n % edges.length] ?? 0; }));
  }
  const long = 'aü漢😀'.repeat(5000);
  assert.equal(decodeUtf8(new TextEncoder().encode(`\ufeff${long}`)), long);
});

test('bytes write themselves as a Buffer does', () => {
  const values = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const [ours, theirs] = [new Bytes(values), Buffer.from(values)];
  for (const encoding of ['hex', 'base64', 'latin1', 'utf8', undefined] as const) assert.equal(ours.toString(encoding), theirs.toString(encoding));
});

test('half a surrogate pair is found and replaced', () => {
  const rows: [text: string, place: number, mended: string][] = [
    ['', -1, ''], ['aü😀', -1, 'aü😀'], ['a\ud800', 1, 'a\ufffd'], ['\udc00a', 0, '\ufffda'], ['😀\ud83d\ud83d😀', 2, '😀\ufffd\ufffd😀'],
  ];
  for (const [text, place, mended] of rows) {
    assert.deepEqual([loneSurrogateIn(text), wellFormed(text)], [place, mended]);
    // An engine without the functions of its own.
    const bare = Object.assign(Object(text), { isWellFormed: undefined, toWellFormed: undefined }) as string;
    assert.deepEqual([loneSurrogateIn(bare), wellFormed(bare)], [place, mended]);
  }
});

test('a path leads to its place', () => {
  const document = { a: { b: [{ c: 1 }, [2, 3]] }, 'x.y': 4, n: null, '@odata.next': 5, 'sp ace': { é: 6 } };
  const rows: [path: string, value: unknown][] = [
    ['a.b.0.c', 1], ['a.b[0].c', 1], ['a.b[1][1]', 3], ['a["b"][0]', { c: 1 }], ["a['b'].length", 2], ['x.y', 4], ['@odata.next', 5],
    ['sp ace.é', 6], ['n', null], ['n.x', undefined], ['none.x', undefined], ['a.none', undefined], ['', undefined],
  ];
  for (const [path, value] of rows) assert.deepEqual(at(document, path), value, path);
  for (const value of [undefined, null, 7]) assert.equal(at(value, 'a'), undefined);
  assert.equal(at([[1]], '0.0'), 1);
});

test('a value is put at a path, with what is missing on the way', () => {
  const rows: [before: object, path: string, after: object][] = [
    [{}, 'a', { a: 1 }], [{}, 'a.b', { a: { b: 1 } }], [{ a: { c: 2 } }, 'a.b', { a: { c: 2, b: 1 } }], [{ a: 7 }, 'a.b', { a: { b: 1 } }],
    [{}, 'a.0.b', { a: [{ b: 1 }] }], [{}, 'a[1]', { a: [undefined, 1] }], [{ 'a.b': 0 }, 'a.b', { 'a.b': 1 }],
    [{}, '__proto__.b', {}],
  ];
  for (const [before, path, after] of rows) {
    put(before as Record<string, unknown>, path, 1);
    assert.equal(JSON.stringify(before), JSON.stringify(after), path);
  }
  assert.equal(({} as Record<string, unknown>)['b'], undefined, 'no other object is changed');
});

test('links and origins are read', () => {
  const rows: [header: string | undefined, relation: string, url: string | undefined][] = [
    ['<https://a/?p=2>; rel="next", <https://a/?p=9>; rel="last"', 'last', 'https://a/?p=9'],
    ['<a,b;c>; rel=next', 'next', 'a,b;c'], ['<a>; title="x; rel=next"; rel="prev"', 'next', undefined], ['<a>;rel="first next"', 'next', 'a'],
    ['<a>', 'next', undefined], ['', 'next', undefined], [undefined, 'next', undefined], ['<a>; REL=next', 'next', 'a'],
  ];
  for (const [header, relation, url] of rows) assert.equal(linkIn(header, relation), url, header);
  const origins: [url: string, parts: [string, string] | undefined][] = [
    ['https://a.test:8443/x/y?q=1#z', ['https://a.test:8443', '/x/y?q=1']], ['HTTP://A.test', ['http://A.test', '/']], ['https://a.test?x=1', ['https://a.test', '/?x=1']],
    ['https://user:pass@a.test/x', ['https://a.test', '/x']], ['/x?y=https://a.test/', undefined], ['?x=1', undefined], ['ftp://a.test/x', undefined],
  ];
  for (const [url, parts] of origins) assert.deepEqual(splitOrigin(url), parts, url);
});

test('queries and forms are read and written as the platform does it', () => {
  const pairs: [string, string][] = [['a', 'b c+d&e=f'], ['ü', "~!'()*"], ['', 'x'], ['a', '']];
  assert.deepEqual(pairsOf(new URLSearchParams(pairs).toString()), pairs);
  assert.deepEqual(pairsOf('?a&b=%zz&&c=1=2'), [['a', ''], ['b', '%zz'], ['c', '1=2']]);
  const fields = Object.fromEntries(pairs.slice(1));
  assert.equal(form(fields), new URLSearchParams(fields).toString());
  assert.equal(without('a=1&b%20c=2&a=3&d', new Set(['a', 'b c'])), 'd');
});
