/**
 * `crypto`: random values, and of `subtle` the hashes and HMAC. Keys, ciphers and
 * signatures with key pairs are refused.
 */

import { hmac } from '@noble/hashes/hmac.js';
import { DOMException } from './dom-exception.ts';
import { hashOf, type Hash } from './hashes.ts';
import { randomBytes, randomUUID } from './random.ts';

/** Bytes as the web platform takes them. */
type BufferSource = ArrayBuffer | ArrayBufferView;

/** Most bytes that `getRandomValues` gives at once. Source: the Web Crypto standard. */
const RANDOM_MAX_BYTES = 65_536;

type Algorithm = string | { name: string; hash?: Algorithm };

/** A key for HMAC. */
class CryptoKey {
  readonly type = 'secret';
  /** @internal */
  readonly bytes: Uint8Array;

  constructor(
    bytes: Uint8Array,
    readonly algorithm: { name: 'HMAC'; hash: { name: string }; length: number },
    readonly extractable: boolean,
    readonly usages: readonly string[],
  ) {
    this.bytes = bytes;
    Object.defineProperty(this, 'bytes', { enumerable: false });
  }
}

const subtle = {
  /** The hash of `data`: SHA-1, SHA-256, SHA-384 or SHA-512. */
  async digest(algorithm: Algorithm, data: BufferSource): Promise<ArrayBuffer> {
    return bufferOf(hash(algorithm)(bytesOf(data)));
  },

  /** A key for HMAC of raw bytes. */
  async importKey(
    format: string,
    data: BufferSource,
    algorithm: Algorithm,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey> {
    const { name, hash: of = '' } = typeof algorithm === 'string' ? { name: algorithm } : algorithm;
    if (format !== 'raw' || name.toUpperCase() !== 'HMAC') {
      throw unsupported(`importing a key of format "${format}" for ${name}`);
    }
    hash(of);
    const bytes = bytesOf(data).slice();
    const hashName = (typeof of === 'string' ? of : of.name).toUpperCase();
    const whole = { name: 'HMAC', hash: { name: hashName }, length: bytes.length * 8 } as const;
    return new CryptoKey(bytes, whole, extractable, usages);
  },

  /** The HMAC of `data`. */
  async sign(_algorithm: Algorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer> {
    return bufferOf(hmac(hash(key.algorithm.hash), key.bytes, bytesOf(data)));
  },

  /** Whether `signature` is the HMAC of `data`. */
  async verify(
    _algorithm: Algorithm,
    key: CryptoKey,
    signature: BufferSource,
    data: BufferSource,
  ): Promise<boolean> {
    const right = hmac(hash(key.algorithm.hash), key.bytes, bytesOf(data));
    return sameBytes(right, bytesOf(signature));
  },
};

/** Whether two pieces are the same; takes as long wherever they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let different = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) different |= a[at]! ^ (b[at] ?? 0);
  return different === 0;
}

function hash(algorithm: Algorithm): Hash {
  const name = typeof algorithm === 'string' ? algorithm : algorithm.name;
  const found = /^sha-/i.test(name) ? hashOf(name) : undefined;
  if (!found) throw unsupported(`the hash "${name}"`);
  return found;
}

function unsupported(what: string): DOMException {
  return new DOMException(
    `A sync does not have ${what}. It has SHA-1, SHA-256, SHA-384, SHA-512 and HMAC with these.`,
    'NotSupportedError',
  );
}

function bytesOf(data: BufferSource): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError('The data must be an ArrayBuffer or a view of one. Encode text with TextEncoder.');
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}

/** The part of the Web Crypto API that a sync has. */
export const crypto = {
  randomUUID,

  /** Fills an array of whole numbers with random ones. */
  getRandomValues<T extends ArrayBufferView>(array: T): T {
    if (!ArrayBuffer.isView(array) || /Float|DataView/.test(array.constructor.name)) {
      throw new DOMException('getRandomValues fills arrays of whole numbers.', 'TypeMismatchError');
    }
    if (array.byteLength > RANDOM_MAX_BYTES) {
      throw new DOMException(
        `getRandomValues gives at most ${RANDOM_MAX_BYTES} bytes, and was asked for ${array.byteLength}.`,
        'QuotaExceededError',
      );
    }
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes.set(randomBytes(bytes.length));
    return array;
  },

  subtle,
};
