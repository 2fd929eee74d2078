/** Hashes by name, from @noble/hashes. */

import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';

/** A hash function, and one that takes its input in pieces. */
export type Hash = typeof sha256;

const HASHES: Readonly<Record<string, Hash>> = { md5, sha1, sha256, sha384, sha512 } as never;

/** Names of the hashes there are. */
export const HASH_NAMES = Object.keys(HASHES);

/** The hash of a name in any spelling: `sha256`, `SHA-256`, `RSA-SHA256`; or undefined. */
export function hashOf(name: string): Hash | undefined {
  return HASHES[String(name).toLowerCase().replace(/^rsa-/, '').replace('sha-', 'sha')];
}
