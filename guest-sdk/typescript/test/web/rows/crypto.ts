import type { Row } from '../rows.ts';
import nodeCrypto, { createHash, createHmac, randomBytes, randomInt, randomUUID, timingSafeEqual } from 'node:crypto';

const NAMES = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'SHA256', 'RSA-SHA256'];
const TEXTS = ['', 'abc', 'häß€😀', 'x'.repeat(1_000)];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const bytes = (text: string) => new TextEncoder().encode(text);

async function hmacOf(hash: string): Promise<unknown> {
  const algorithm = { name: 'HMAC', hash };
  const key = await crypto.subtle.importKey('raw', bytes('key'), algorithm, false, ['sign', 'verify']);
  const signature = await crypto.subtle.sign('HMAC', key, bytes('data'));
  return [
    signature,
    await crypto.subtle.verify('HMAC', key, signature, bytes('data')),
    await crypto.subtle.verify('HMAC', key, signature, bytes('date')),
    key.type, key.extractable, key.usages, key.algorithm.name,
  ];
}

export const rows: Row[] = [
  ...NAMES.map((name): Row => [`hash ${name}`, () => TEXTS.map((text) => createHash(name).update(text).digest('hex'))]),
  ...NAMES.map((name): Row => [`hmac ${name}`, () => TEXTS.map((text) => createHmac(name, `key ${text}`).update(text).digest('base64'))]),
  ['base64url', () => createHash('sha256').update('abc').digest('base64url')],
  ['latin1', () => createHash('sha1').update('abc').digest('latin1' as never)],
  ['a buffer', () => { const digest = createHash('md5').update('a').digest(); return [Buffer.isBuffer(digest), digest.toString('hex')]; }],
  ['in pieces', () => createHash('sha256').update('a').update(Buffer.from('b')).update(new Uint8Array([99])).digest('hex')],
  ['hex input', () => createHash('sha256').update('616263', 'hex').digest('hex')],
  ['a key of bytes', () => createHmac('sha256', Buffer.from([1, 2, 3])).update('a').digest('hex')],
  ['a long key', () => createHmac('sha512', 'k'.repeat(300)).update('a').digest('hex')],
  ['copy', () => { const a = createHash('sha256').update('a'); const b = a.copy().update('b'); return [a.digest('hex'), b.digest('hex')]; }],
  ['digest twice', () => { const hash = createHash('md5'); hash.digest(); return hash.digest(); }],
  ['no such hash', () => createHash('nonsense')],
  ['the default export', () => nodeCrypto.createHash('sha1').update('x').digest('hex')],
  ['equal', () => [timingSafeEqual(Buffer.from('abc'), Buffer.from('abc')), timingSafeEqual(Buffer.from('abc'), Buffer.from('abd'))]],
  ['other lengths', () => timingSafeEqual(Buffer.from('a'), Buffer.from('ab'))],
  ['random bytes', () => { const all = randomBytes(24); return [Buffer.isBuffer(all), all.length]; }],
  ['random uuid', () => [UUID.test(randomUUID()), UUID.test(crypto.randomUUID()), randomUUID() !== randomUUID()]],
  ['random int', () => Array.from({ length: 200 }, () => randomInt(3, 5)).every((each) => each === 3 || each === 4)],
  ['random values', () => { const array = new Uint32Array(4); return [crypto.getRandomValues(array) === array, array.length]; }],
  ['too many random values', () => crypto.getRandomValues(new Uint8Array(65_537))],
  ['random floats', () => crypto.getRandomValues(new Float32Array(1) as never)],
  ...['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512', 'sha-256'].map((name): Row => [`digest ${name}`, () => crypto.subtle.digest(name, bytes('abc'))]),
  ['digest of another name', () => crypto.subtle.digest('SHA256', bytes('abc'))],
  ['digest of text', () => crypto.subtle.digest('SHA-1', 'abc' as never)],
  ...['SHA-1', 'SHA-256', 'SHA-512'].map((name): Row => [`subtle hmac ${name}`, () => hmacOf(name)]),
];
