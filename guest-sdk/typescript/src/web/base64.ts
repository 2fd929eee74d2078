/** Base64 of bytes. The engine's `atob` and `btoa` do the work, in pieces. */

/** Bytes that go through `btoa` at once; a multiple of 3, so that pieces join. */
const PIECE_BYTES = 3 * 4096;

/** The bytes as base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES)));
  }
  return text;
}

/** The bytes as base64 for URLs: `-` and `_`, no padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** The bytes of base64 of either kind; what is none in it is skipped, as Node does. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const end = text.indexOf('=');
  const clean = (end < 0 ? text : text.slice(0, end))
    .replace(/-/g, '+')
    .replace(/_/g, '/')
    .replace(/[^A-Za-z0-9+/]/g, '');
  const whole = clean.length % 4 === 1 ? clean.slice(0, -1) : clean;
  return Uint8Array.from(atob(whole), (each) => each.charCodeAt(0));
}
