/** `node:buffer`. */

import { Blob } from './blob.ts';
import { Buffer } from './buffer.ts';

export { Blob, Buffer };

/** Base64 to a string of bytes; the engine's own. */
export const atob = globalThis.atob;

/** A string of bytes to base64; the engine's own. */
export const btoa = globalThis.btoa;

/** Limits, as Node names them: a run's memory is less in any case. */
export const constants = { MAX_LENGTH: 2 ** 31 - 1, MAX_STRING_LENGTH: 2 ** 30 - 25 };

/** The longest buffer; see `constants`. */
export const kMaxLength: number = constants.MAX_LENGTH;

export default { Blob, Buffer, atob, btoa, constants, kMaxLength };
