/** Text to bytes and back in the encodings of Node's `Buffer`. */

import { fromBase64, toBase64, toBase64Url } from './base64.ts';
import { TextDecoder, TextEncoder } from './encoding.ts';

interface Coding {
  encode(text: string): Uint8Array<ArrayBuffer>;
  decode(bytes: Uint8Array): string;
}

const UTF_8: Coding = {
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
};

const UTF_16: Coding = {
  encode: (text) => {
    const bytes = new Uint8Array(text.length * 2);
    for (let at = 0; at < text.length; at++) {
      bytes[at * 2] = text.charCodeAt(at) & 0xff;
      bytes[at * 2 + 1] = text.charCodeAt(at) >> 8;
    }
    return bytes;
  },
  decode: (bytes) => units(bytes, 2, (at) => bytes[at]! | (bytes[at + 1]! << 8)),
};

const LATIN_1: Coding = {
  encode: (text) => Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at)),
  decode: (bytes) => units(bytes, 1, (at) => bytes[at]!),
};

const ASCII: Coding = { ...LATIN_1, decode: (bytes) => units(bytes, 1, (at) => bytes[at]! & 0x7f) };

const HEX: Coding = {
  encode: (text) => {
    const pairs = /^([0-9a-f]{2})*/i.exec(text)![0].match(/../g) ?? [];
    return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
  },
  decode: (bytes) => {
    let text = '';
    for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
    return text;
  },
};

const CODINGS: Readonly<Record<string, Coding>> = {
  utf8: UTF_8,
  'utf-8': UTF_8,
  ucs2: UTF_16,
  'ucs-2': UTF_16,
  utf16le: UTF_16,
  'utf-16le': UTF_16,
  latin1: LATIN_1,
  binary: LATIN_1,
  ascii: ASCII,
  hex: HEX,
  base64: { encode: fromBase64, decode: toBase64 },
  base64url: { encode: fromBase64, decode: toBase64Url },
};

/** Whether `Buffer` knows an encoding. */
export function isEncoding(name: unknown): boolean {
  return typeof name === 'string' && Object.hasOwn(CODINGS, name.toLowerCase());
}

/** An encoding by its name. Throws a TypeError for one that `Buffer` does not know. */
export function coding(name: unknown = 'utf8'): Coding {
  const found = typeof name === 'string' ? CODINGS[name.toLowerCase()] : undefined;
  if (found) return found;
  const error = new TypeError(`Unknown encoding: ${String(name)}`);
  throw Object.assign(error, { code: 'ERR_UNKNOWN_ENCODING' });
}

/** How many bytes a text has: of hex and base64 by its length, well formed or not. */
export function byteLength(text: string, encoding: unknown = 'utf8'): number {
  const name = String(encoding).toLowerCase();
  if (name === 'hex') return text.length >>> 1;
  if (!name.startsWith('base64')) return coding(encoding).encode(text).length;
  const padding = /={0,2}$/.exec(text)![0].length;
  return ((text.length - padding) * 3) >>> 2;
}

/** Code units that are put into a string at once: a call takes only so many arguments. */
const UNITS_AT_ONCE = 4096;

function units(bytes: Uint8Array, step: number, unit: (at: number) => number): string {
  let text = '';
  let some: number[] = [];
  for (let at = 0; at + step <= bytes.length; at += step) {
    some.push(unit(at));
    if (some.length === UNITS_AT_ONCE) {
      text += String.fromCharCode(...some);
      some = [];
    }
  }
  return text + String.fromCharCode(...some);
}
