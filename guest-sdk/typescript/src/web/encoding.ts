/**
 * `TextEncoder` and `TextDecoder`, from @exodus/bytes: UTF-8, UTF-16 and the one-byte
 * encodings such as latin1, with `fatal`, `ignoreBOM` and `stream`. Encodings of several
 * bytes (Shift_JIS, GBK and the like) are refused: their tables are 170 KB.
 */

export { TextDecoder, TextEncoder } from '@exodus/bytes/encoding-lite.js';
