import type { Row } from '../rows.ts';
import { Buffer as FromModule } from 'node:buffer';

const ENCODINGS = ['utf8', 'utf-8', 'UTF8' as never, 'hex', 'base64', 'base64url', 'latin1', 'binary', 'ascii', 'utf16le', 'ucs2'] as BufferEncoding[];
const TEXTS = ['', 'abc', 'häß€😀', '616263', '61626', '6162zz', 'YWJj', 'YW Jj\nZA==', 'YWJjZA', '-_-_', 'a=b', '\ud800'];

export const rows: Row[] = [
  ...ENCODINGS.flatMap((encoding) => TEXTS.map((text): Row => [
    `${encoding} ${JSON.stringify(text)}`,
    () => { const buffer = Buffer.from(text, encoding); return [buffer, buffer.toString(), Buffer.byteLength(text, encoding === 'base64' || encoding === 'base64url' ? 'utf8' : encoding)]; },
  ])),
  ...ENCODINGS.map((encoding): Row => [
    `to ${encoding}`,
    () => [[], [0], [97, 98], [255, 254, 253], [0xf0, 0x9f, 0x98, 0x80], [0xc3], [1, 2, 3, 4, 5]].map((bytes) => Buffer.from(bytes).toString(encoding)),
  ]),
  ['a long text', () => { const text = 'aé€😀'.repeat(10_000); return ENCODINGS.filter((encoding) => encoding !== 'ascii' && encoding !== 'hex').map((encoding) => Buffer.from(Buffer.from(text).toString(encoding), encoding).length); }],
  ['unknown encoding', () => Buffer.from('a', 'nonsense' as never)],
  ['from a number', () => Buffer.from(5 as never)],
  ['from null', () => Buffer.from(null as never)],
  ['from an array', () => Buffer.from([1, 256, -1, 3.7, '4' as never])],
  ['from bytes', () => { const bytes = Uint8Array.of(1, 2); const buffer = Buffer.from(bytes); bytes[0] = 9; return buffer; }],
  ['over memory', () => { const bytes = Uint8Array.of(1, 2, 3, 4); const buffer = Buffer.from(bytes.buffer, 1, 2); bytes[1] = 9; return buffer; }],
  ['from JSON', () => Buffer.from(JSON.parse(JSON.stringify(Buffer.from('abc'))))],
  ['from a boxed string', () => Buffer.from(new String('abc') as never)],
  ['alloc', () => [Buffer.alloc(3), Buffer.alloc(5, 'ab'), Buffer.alloc(2, 7), Buffer.alloc(4, 'YQ==', 'base64'), Buffer.allocUnsafe(2).length]],
  ['alloc less than nothing', () => Buffer.alloc(-1)],
  ['concat', () => [Buffer.concat([Buffer.from('a'), Uint8Array.of(98), Buffer.alloc(0)]), Buffer.concat([Buffer.from('abc')], 2), Buffer.concat([Buffer.from('a')], 3), Buffer.concat([])]],
  ['isBuffer', () => [Buffer.isBuffer(Buffer.alloc(1)), Buffer.isBuffer(new Uint8Array(1)), Buffer.isBuffer('a'), Buffer.alloc(1) instanceof Uint8Array, FromModule === Buffer]],
  ['isEncoding', () => [Buffer.isEncoding('UTF-8'), Buffer.isEncoding('base64url'), Buffer.isEncoding('nonsense')]],
  ['compare', () => [Buffer.compare(Buffer.from('a'), Buffer.from('b')), Buffer.from('ab').compare(Buffer.from('a')), Buffer.from('a').equals(Buffer.from('a')), Buffer.from('a').equals(Buffer.from('b'))]],
  ['sort', () => [Buffer.from('b'), Buffer.from('a')].sort(Buffer.compare)],
  ['slice', () => { const buffer = Buffer.from('abcdef'); const part = buffer.slice(1, -1); part[0] = 120; return [part, buffer, Buffer.isBuffer(part), buffer.subarray(-2).toString(), buffer.toString('utf8', 1, 3)]; }],
  ['write', () => { const buffer = Buffer.alloc(6); return [buffer.write('ab'), buffer.write('cdef', 2, 2), buffer.write('ff', 5, 'hex'), buffer]; }],
  ['copy', () => { const to = Buffer.alloc(4); return [Buffer.from('abcdef').copy(to, 1, 2), to]; }],
  ['fill', () => [Buffer.alloc(4).fill('xy'), Buffer.alloc(4).fill(1, 1, 3), Buffer.alloc(3).fill('61', 'hex')]],
  ['indexOf', () => { const buffer = Buffer.from('abcabc'); return [buffer.indexOf('c'), buffer.indexOf('c', 3), buffer.indexOf(97, 1), buffer.indexOf(Buffer.from('bc')), buffer.indexOf('x'), buffer.includes('ca'), buffer.indexOf('a', -3)]; }],
  ['numbers', () => { const buffer = Buffer.alloc(16); return [buffer.writeUInt32BE(0xdeadbeef, 0), buffer.writeInt16LE(-2, 4), buffer.writeDoubleBE(1.5, 8), buffer.writeUInt8(7, 6), buffer.readUInt32LE(0), buffer.readInt16LE(4), buffer.readDoubleBE(8), buffer.readUInt8(6), buffer]; }],
  ['JSON', () => JSON.stringify({ buffer: Buffer.from('ab') })],
  ['iteration', () => [[...Buffer.from('ab')], [...Buffer.from('ab').entries()], Buffer.from('abc').map((byte) => byte + 1)]],
  ['text in text', () => `${Buffer.from('häß')}`],
];
