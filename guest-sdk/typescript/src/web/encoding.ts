/**
 * `TextEncoder` and `TextDecoder`: UTF-8, UTF-16 and windows-1252 (which the standard also
 * means by latin1 and ascii). Own code, because a library with all encodings is ten times
 * as large, and `URL`, which nearly every sync has in its bundle, stands on this.
 */

import { labelled, WINDOWS_1252, type Encoding } from './encoding-labels.ts';
import { Utf8Decoder } from './utf8.ts';

/** Code units that are put into a string at once: a call takes only so many arguments. */
const UNITS_AT_ONCE = 4096;

/** Text to UTF-8. */
export class TextEncoder {
  /** Always `utf-8`. */
  get encoding(): string {
    return 'utf-8';
  }

  /** The bytes of `text`; half a surrogate pair becomes U+FFFD. */
  encode(text: string = ''): Uint8Array<ArrayBuffer> {
    const string = String(text);
    const bytes = new Uint8Array(utf8Length(string));
    this.encodeInto(string, bytes);
    return bytes;
  }

  /** Writes as many whole characters as fit; says how many code units and bytes these are. */
  encodeInto(text: string, bytes: Uint8Array): { read: number; written: number } {
    let written = 0;
    let read = 0;
    while (read < text.length) {
      const point = pointAt(text, read);
      const size = utf8Size(point);
      if (written + size > bytes.length) break;
      putUtf8(bytes, written, point, size);
      written += size;
      read += point > 0xffff ? 2 : 1;
    }
    return { read, written };
  }

  get [Symbol.toStringTag](): string {
    return 'TextEncoder';
  }
}

/** The character at an index, U+FFFD for half a surrogate pair. */
function pointAt(text: string, index: number): number {
  const point = text.codePointAt(index)!;
  return point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
}

function utf8Size(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

/** Bytes that `text` has in UTF-8. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const point = pointAt(text, at);
    length += utf8Size(point);
    if (point > 0xffff) at++;
  }
  return length;
}

function putUtf8(bytes: Uint8Array, at: number, point: number, size: number): void {
  if (size === 1) {
    bytes[at] = point;
    return;
  }
  for (let last = size - 1; last > 0; last--) {
    bytes[at + last] = 0x80 | (point & 0x3f);
    point >>= 6;
  }
  bytes[at] = (0xf00 >> size) | point;
}

/** What `TextDecoder.decode` takes bytes from. */
type Bytes = ArrayBuffer | ArrayBufferView | SharedArrayBuffer;

/** Bytes to text. */
export class TextDecoder {
  /** Name of the encoding, as the standard writes it. */
  readonly encoding: Encoding;
  /** Whether bytes that are no text are an error; else they become U+FFFD. */
  readonly fatal: boolean;
  /** Whether a byte order mark stays in the text. */
  readonly ignoreBOM: boolean;
  #decoder: Decoder;
  #started = false;

  /** Throws a RangeError for an encoding that is not here. */
  constructor(label: string = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    this.encoding = labelled(String(label));
    this.fatal = Boolean(options.fatal);
    this.ignoreBOM = Boolean(options.ignoreBOM);
    this.#decoder = decoderOf(this.encoding);
  }

  /**
   * The text of `bytes`. With `stream`, a character that is cut off at the end waits for
   * the next call. Throws a TypeError if `fatal` is set and the bytes are no text.
   */
  decode(bytes?: Bytes, options: { stream?: boolean } = {}): string {
    const units: number[] = [];
    const text: string[] = [];
    const put = (unit: number) => {
      if (unit === INVALID) {
        if (this.fatal) this.#fail();
        unit = 0xfffd;
      }
      if (units.push(unit) >= UNITS_AT_ONCE) text.push(String.fromCharCode(...units.splice(0)));
    };
    this.#decoder.decode(bytesOf(bytes), put);
    if (!options.stream) this.#decoder.end(put);
    text.push(String.fromCharCode(...units));
    return this.#withoutMark(text.join(''), Boolean(options.stream));
  }

  /** Takes the byte order mark away at the beginning of a stream. */
  #withoutMark(text: string, stream: boolean): string {
    const first = !this.#started && text !== '';
    this.#started = stream && (this.#started || first);
    const marked = first && !this.ignoreBOM && this.encoding !== 'windows-1252';
    return marked && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  #fail(): never {
    this.#decoder = decoderOf(this.encoding);
    this.#started = false;
    throw new TypeError(`The bytes to decode are not ${this.encoding}.`);
  }

  get [Symbol.toStringTag](): string {
    return 'TextDecoder';
  }
}

function bytesOf(bytes: Bytes | undefined): Uint8Array {
  if (bytes === undefined) return new Uint8Array();
  if (ArrayBuffer.isView(bytes)) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  if (Object.prototype.toString.call(bytes).endsWith('ArrayBuffer]')) return new Uint8Array(bytes);
  throw new TypeError('TextDecoder.decode takes an ArrayBuffer or a view of one.');
}

/** Given in the place of a code unit where the bytes are no text. */
export const INVALID = -1;

/** Turns bytes into UTF-16 code units, over several calls. */
export interface Decoder {
  decode(bytes: Uint8Array, put: (unit: number) => void): void;
  /** There is no more: what is cut off is invalid. */
  end(put: (unit: number) => void): void;
}

function decoderOf(encoding: Encoding): Decoder {
  if (encoding === 'utf-8') return new Utf8Decoder();
  if (encoding === 'windows-1252') return new OneByteDecoder();
  return new Utf16Decoder(encoding === 'utf-16be');
}

class OneByteDecoder implements Decoder {
  decode(bytes: Uint8Array, put: (unit: number) => void): void {
    for (const byte of bytes) put(WINDOWS_1252[byte - 0x80] ?? byte);
  }

  end(): void {}
}

class Utf16Decoder implements Decoder {
  /** First byte of a unit of which the second is missing. */
  #byte: number | undefined;
  /** First half of a surrogate pair of which the second is missing. */
  #lead: number | undefined;

  constructor(readonly bigEndian: boolean) {}

  decode(bytes: Uint8Array, put: (unit: number) => void): void {
    for (const byte of bytes) {
      if (this.#byte === undefined) {
        this.#byte = byte;
      } else {
        const unit = this.bigEndian ? (this.#byte << 8) | byte : (byte << 8) | this.#byte;
        this.#byte = undefined;
        this.#take(unit, put);
      }
    }
  }

  #take(unit: number, put: (unit: number) => void): void {
    const trail = unit >= 0xdc00 && unit <= 0xdfff;
    if (this.#lead !== undefined) {
      put(trail ? this.#lead : INVALID);
      this.#lead = undefined;
      if (trail) return put(unit);
    }
    if (unit >= 0xd800 && unit <= 0xdbff) this.#lead = unit;
    else put(trail ? INVALID : unit);
  }

  end(put: (unit: number) => void): void {
    const cut = this.#byte !== undefined || this.#lead !== undefined;
    this.#byte = undefined;
    this.#lead = undefined;
    if (cut) put(INVALID);
  }
}
