/** Random bytes from the host, good enough for secrets. */

import { getRandomBytes } from 'wasi:random/random@0.2.0';

/** So many random bytes. */
export function randomBytes(length: number): Uint8Array {
  return getRandomBytes(length);
}

/** A random UUID of version 4. */
export function randomUUID(): string {
  const bytes = randomBytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
