/** `wasi:random/random` on Node. */
import { randomBytes } from 'node:crypto';

export function getRandomBytes(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}
