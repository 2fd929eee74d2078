/** `node:crypto`: hashes, HMAC and random values. Ciphers and key pairs are refused by name. */

import { hmac } from '@noble/hashes/hmac.js';
import { Buffer } from './buffer.ts';
import { crypto, sameBytes } from './crypto.ts';
import { HASH_NAMES, hashOf, type Hash as HashFunction } from './hashes.ts';
import { randomBytes as bytes, randomUUID as uuid } from './random.ts';

type Data = string | ArrayBufferView | ArrayBuffer;

/** Something that takes data in pieces and gives one digest. */
interface Running {
  update(data: Uint8Array): unknown;
  digest(): Uint8Array;
  clone(): Running;
}

/** A hash or HMAC under way. */
class Hash {
  #running: Running | undefined;

  constructor(running: Running) {
    this.#running = running;
  }

  /** Adds data; text is UTF-8 unless told. */
  update(data: Data, encoding?: string): this {
    this.#under().update(bytesOf(data, encoding));
    return this;
  }

  /** The digest: a Buffer, or text in an encoding (`hex`, `base64`, `base64url`). Only once. */
  digest(): Buffer;
  digest(encoding: string): string;
  digest(encoding?: string): Buffer | string {
    const digest = Buffer.from(this.#under().digest());
    this.#running = undefined;
    return encoding === undefined || encoding === 'buffer' ? digest : digest.toString(encoding);
  }

  /** Another one with the same data so far. */
  copy(): Hash {
    return new Hash(this.#under().clone());
  }

  #under(): Running {
    if (this.#running) return this.#running;
    throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
  }
}

function bytesOf(data: Data, encoding?: string): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, encoding ?? 'utf8');
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError(`The data to hash must be a string or a buffer, and is ${typeof data}.`);
}

function hashNamed(name: string): HashFunction {
  const found = hashOf(name);
  if (found) return found;
  const there = HASH_NAMES.join(', ');
  throw new Error(`Digest method not supported: "${name}". A sync has ${there}.`);
}

/** A hash: md5, sha1, sha256, sha384 or sha512. */
export function createHash(name: string): Hash {
  return new Hash(hashNamed(name).create() as Running);
}

/** An HMAC with one of these hashes; a key that is text is UTF-8. */
export function createHmac(name: string, key: Data): Hash {
  return new Hash(hmac.create(hashNamed(name), bytesOf(key)) as unknown as Running);
}

/** The hash of data in one call, as hexadecimal text unless told. */
export function hash(name: string, data: Data, encoding: string = 'hex'): string | Buffer {
  const made = createHash(name).update(data);
  return encoding === 'buffer' ? made.digest() : made.digest(encoding);
}

/** Names of the hashes. */
export function getHashes(): string[] {
  return [...HASH_NAMES];
}

/** A random UUID of version 4. */
export const randomUUID: () => string = uuid;

/** So many random bytes; given to `done` if there is one. */
export function randomBytes(size: number, done?: (error: null, bytes: Buffer) => void): Buffer {
  const buffer = Buffer.from(bytes(size));
  done?.(null, buffer);
  return buffer;
}

/** A random whole number from `min` (0 if there is one argument) to below `max`. */
export function randomInt(min: number, max?: number): number {
  const [from, to] = max === undefined ? [0, min] : [min, max];
  const range = to - from;
  if (!(range > 0 && range <= 2 ** 48)) {
    throw new RangeError(`randomInt takes a range of 1 to 2^48 numbers, and was given ${range}.`);
  }
  // Numbers from the last, incomplete range on would make the first ones more likely.
  const fair = 2 ** 48 - (2 ** 48 % range);
  for (;;) {
    const number = bytes(6).reduce((sum, byte) => sum * 256 + byte, 0);
    if (number < fair) return from + (number % range);
  }
}

/** Fills a buffer with random bytes. */
export function randomFillSync<T extends ArrayBufferView>(buffer: T): T {
  const view = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  view.set(bytes(view.length));
  return buffer;
}

/** Whether two buffers of one length are the same, in a time that does not tell where not. */
export function timingSafeEqual(a: ArrayBufferView, b: ArrayBufferView): boolean {
  if (a.byteLength !== b.byteLength) {
    throw new RangeError('Input buffers must have the same byte length');
  }
  return sameBytes(bytesOf(a), bytesOf(b));
}

/** The Web Crypto API. */
export const webcrypto = crypto;

/** Hashes and HMAC of the Web Crypto API. */
export const subtle = crypto.subtle;

/** Fills an array with random numbers. */
export const getRandomValues = crypto.getRandomValues;

export default {
  createHash, createHmac, getHashes, getRandomValues, hash, randomBytes, randomFillSync, randomInt,
  randomUUID, subtle, timingSafeEqual, webcrypto,
};
