/** Bytes and text, without the platform's `TextDecoder` and `Buffer`, which the engine lacks. */

/** The engine has it; an author's compiler may have been told of no platform. */
declare function btoa(latin1: string): string;

/** What stands for bytes that are no UTF-8. */
const REPLACEMENT = 0xfffd;

/** Characters that are made at once; more would not fit on the stack as arguments. */
const CHUNK_CHARS = 4096;

/**
 * The text of UTF-8 bytes: what is no UTF-8 becomes U+FFFD, a byte order mark at the
 * start is left out.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  const chars: number[] = [];
  let text = '';
  let at = startsWithMark(bytes) ? 3 : 0;
  while (at < bytes.length) {
    const [point, length] = pointAt(bytes, at);
    at += length;
    if (point > 0xffff) chars.push(0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
    else chars.push(point);
    if (chars.length >= CHUNK_CHARS) text += String.fromCharCode(...chars.splice(0));
  }
  return text + String.fromCharCode(...chars);
}

function startsWithMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** The code point at a place, and how many bytes it takes. */
function pointAt(bytes: Uint8Array, at: number): [point: number, length: number] {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return [first, 1];
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return [REPLACEMENT, 1];
  let point = first & (0xff >> (length + 1));
  for (let more = 1; more < length; more++) {
    const next = bytes[at + more];
    // The second byte also rules out overlong forms, surrogates and what is past the end.
    const [low, high] = more === 1 ? secondRange(first) : [0x80, 0xbf];
    if (next === undefined || next < low || next > high) return [REPLACEMENT, more];
    point = (point << 6) | (next & 0x3f);
  }
  return [point, length];
}

function secondRange(first: number): [low: number, high: number] {
  if (first === 0xe0) return [0xa0, 0xbf];
  if (first === 0xed) return [0x80, 0x9f];
  if (first === 0xf0) return [0x90, 0xbf];
  if (first === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}

/** The bytes as base64. */
export function base64(bytes: Uint8Array): string {
  return btoa(latin1(bytes));
}

/** Each byte as the character with its number. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK_CHARS) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_CHARS));
  }
  return text;
}

/** The bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/**
 * A body as bytes, which also writes itself as text in the ways of Node's `Buffer`, because
 * that is what a sync is given for `responseType: 'arraybuffer'` elsewhere.
 */
export class Bytes extends Uint8Array {
  /** The bytes as `utf8` (the default), `base64`, `hex` or `latin1`. */
  override toString(encoding?: string): string {
    switch ((encoding ?? 'utf8').toLowerCase()) {
      case 'base64':
        return base64(this);
      case 'hex':
        return hex(this);
      case 'latin1':
      case 'binary':
      case 'ascii':
        return latin1(this);
      default:
        return decodeUtf8(this);
    }
  }
}
