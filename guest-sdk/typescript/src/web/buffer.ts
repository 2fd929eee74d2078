/**
 * `Buffer`, the part that syncs use: made of text and bytes, put together, compared,
 * searched, and read as text or numbers. Own code, because the package `buffer` is five
 * times as large and has no base64url.
 */

import { byteLength, coding, isEncoding } from './buffer-text.ts';

/** What an encoding may be called; see `buffer-text.ts`. */
type EncodingName = string;

/** Most bytes of a buffer that the log shows. */
const SHOWN_BYTES = 50;

/** What a buffer is made of. */
type Source =
  | string
  | ArrayBuffer
  | ArrayLike<number>
  | Iterable<number>
  | { type: 'Buffer'; data: number[] };

/** Bytes, as Node has them. */
export class Buffer extends Uint8Array<ArrayBuffer> {
  /** A buffer of text, of numbers, or over the memory of an ArrayBuffer. */
  static override from(
    source: Source | { valueOf(): unknown },
    encodingOrOffset?: EncodingName | number | ((value: never, key: number) => unknown),
    length?: number,
  ): Buffer {
    if (typeof source === 'string') return over(coding(encodingOrOffset).encode(source));
    if (source instanceof ArrayBuffer) {
      return new Buffer(source, Number(encodingOrOffset ?? 0), length);
    }
    if (typeof source === 'object' && source !== null) {
      if ('type' in source && source.type === 'Buffer' && 'data' in source) {
        return over(Uint8Array.from(source.data as number[]));
      }
      if (source instanceof String) return Buffer.from(String(source), encodingOrOffset);
      if (Symbol.iterator in source || 'length' in source) {
        return over(Uint8Array.from(source as ArrayLike<number>));
      }
      const value = source.valueOf();
      if (value !== source) return Buffer.from(value as Source, encodingOrOffset, length);
    }
    throw new TypeError(
      `Buffer.from takes a string, an array or a buffer, and was given ${source === null ? 'null' : typeof source}.`,
    );
  }

  static override of(...bytes: number[]): Buffer {
    return Buffer.from(bytes);
  }

  /** A buffer of so many bytes, all 0 or filled. */
  static alloc(size: number, fill?: string | number | Uint8Array, encoding?: EncodingName): Buffer {
    if (typeof size !== 'number' || !(size >= 0)) {
      throw new RangeError(`The size of a buffer is ${String(size)}; it must be a number from 0 on.`);
    }
    const buffer = new Buffer(new ArrayBuffer(size));
    return fill === undefined ? buffer : buffer.fill(fill, 0, size, encoding);
  }

  /** The same as `alloc`. */
  static allocUnsafe(size: number): Buffer {
    return Buffer.alloc(size);
  }

  /** The same as `alloc`. */
  static allocUnsafeSlow(size: number): Buffer {
    return Buffer.alloc(size);
  }

  static isBuffer(value: unknown): value is Buffer {
    return value instanceof Buffer;
  }

  static isEncoding(name: unknown): boolean {
    return isEncoding(name);
  }

  /** How many bytes a text has. */
  static byteLength(value: string | ArrayBuffer | ArrayBufferView, encoding?: EncodingName): number {
    return typeof value === 'string' ? byteLength(value, encoding) : value.byteLength;
  }

  /** One buffer of several, cut or filled with 0 to `length`. */
  static concat(list: readonly Uint8Array[], length?: number): Buffer {
    const size = length ?? list.reduce((sum, each) => sum + each.length, 0);
    const all = Buffer.alloc(size);
    let at = 0;
    for (const each of list) {
      if (at >= size) break;
      all.set(each.subarray(0, size - at), at);
      at += each.length;
    }
    return all;
  }

  /** Which comes first, byte by byte: -1, 0 or 1. */
  static compare(a: Uint8Array, b: Uint8Array): -1 | 0 | 1 {
    const length = Math.min(a.length, b.length);
    for (let at = 0; at < length; at++) {
      if (a[at] !== b[at]) return a[at]! < b[at]! ? -1 : 1;
    }
    return Math.sign(a.length - b.length) as -1 | 0 | 1;
  }

  /** The bytes from `start` to `end` as text. */
  override toString(encoding?: EncodingName, start = 0, end = this.length): string {
    return coding(encoding).decode(this.subarray(Math.max(0, start), Math.max(0, end)));
  }

  toJSON(): { type: 'Buffer'; data: number[] } {
    return { type: 'Buffer', data: Array.from(this) };
  }

  equals(other: Uint8Array): boolean {
    return Buffer.compare(this, other) === 0;
  }

  compare(other: Uint8Array): -1 | 0 | 1 {
    return Buffer.compare(this, other);
  }

  /** A part over the same memory. */
  override subarray(start?: number, end?: number): Buffer {
    return super.subarray(start, end) as Buffer;
  }

  /** A part over the same memory: as on Node, not a copy. */
  override slice(start?: number, end?: number): Buffer {
    return this.subarray(start, end);
  }

  /** Writes text at `offset`; says how many bytes it had. */
  write(text: string, offset: number | EncodingName = 0, length?: number | EncodingName, encoding?: EncodingName): number {
    if (typeof offset === 'string') return this.write(text, 0, this.length, offset);
    if (typeof length === 'string') return this.write(text, offset, this.length - offset, length);
    const room = Math.min(length ?? Infinity, this.length - offset);
    const bytes = coding(encoding).encode(text).subarray(0, room);
    this.set(bytes, offset);
    return bytes.length;
  }

  /** Copies bytes into `target`; says how many. */
  copy(target: Uint8Array, targetStart = 0, start = 0, end = this.length): number {
    const part = super.subarray(start, Math.min(end, start + target.length - targetStart));
    target.set(part, targetStart);
    return part.length;
  }

  /** Fills with a number, or with text or bytes over and over. */
  override fill(
    value: string | number | Uint8Array,
    start: number | EncodingName = 0,
    end: number | EncodingName = this.length,
    encoding?: EncodingName,
  ): this {
    if (typeof start === 'string') return this.fill(value, 0, this.length, start);
    if (typeof end === 'string') return this.fill(value, start, this.length, end);
    if (typeof value === 'number') return super.fill(value, start, end);
    const bytes = typeof value === 'string' ? coding(encoding).encode(value) : value;
    if (bytes.length === 0) return super.fill(0, start, end);
    for (let at = start; at < end; at++) this[at] = bytes[(at - start) % bytes.length]!;
    return this;
  }

  /** Where text, bytes or a byte stand first from `start` on; -1 if nowhere. */
  override indexOf(value: string | number | Uint8Array, start: number | EncodingName = 0, encoding?: EncodingName): number {
    if (typeof start === 'string') return this.indexOf(value, 0, start);
    if (typeof value === 'number') return super.indexOf(value & 0xff, start);
    const bytes = typeof value === 'string' ? coding(encoding).encode(value) : value;
    for (let at = Math.max(0, start < 0 ? this.length + start : start); at + bytes.length <= this.length; at++) {
      if (bytes.every((byte, index) => this[at + index] === byte)) return at;
    }
    return -1;
  }

  override includes(value: string | number | Uint8Array, start?: number, encoding?: EncodingName): boolean {
    return this.indexOf(value, start, encoding) >= 0;
  }

  /** As Node shows a buffer in the log. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const hex = Array.from(super.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, '0'));
    const more = this.length - hex.length;
    if (more > 0) hex.push(`... ${more} more byte${more > 1 ? 's' : ''}`);
    return `<${['Buffer', ...hex].join(' ')}>`;
  }
}

function over(bytes: Uint8Array<ArrayBuffer>): Buffer {
  return new Buffer(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Numbers in a buffer: `readUInt16BE` and its kin, by the method of DataView that does it. */
export interface Buffer {
  readUInt8(offset?: number): number;
  readUInt16LE(offset?: number): number;
  readUInt16BE(offset?: number): number;
  readUInt32LE(offset?: number): number;
  readUInt32BE(offset?: number): number;
  readInt8(offset?: number): number;
  readInt16LE(offset?: number): number;
  readInt16BE(offset?: number): number;
  readInt32LE(offset?: number): number;
  readInt32BE(offset?: number): number;
  readFloatLE(offset?: number): number;
  readFloatBE(offset?: number): number;
  readDoubleLE(offset?: number): number;
  readDoubleBE(offset?: number): number;
  writeUInt8(value: number, offset?: number): number;
  writeUInt16LE(value: number, offset?: number): number;
  writeUInt16BE(value: number, offset?: number): number;
  writeUInt32LE(value: number, offset?: number): number;
  writeUInt32BE(value: number, offset?: number): number;
  writeInt8(value: number, offset?: number): number;
  writeInt16LE(value: number, offset?: number): number;
  writeInt16BE(value: number, offset?: number): number;
  writeInt32LE(value: number, offset?: number): number;
  writeInt32BE(value: number, offset?: number): number;
  writeFloatLE(value: number, offset?: number): number;
  writeFloatBE(value: number, offset?: number): number;
  writeDoubleLE(value: number, offset?: number): number;
  writeDoubleBE(value: number, offset?: number): number;
}

/** Name in `Buffer`, name in `DataView`, bytes. */
const NUMBERS = [
  ['UInt8', 'Uint8', 1], ['UInt16', 'Uint16', 2], ['UInt32', 'Uint32', 4],
  ['Int8', 'Int8', 1], ['Int16', 'Int16', 2], ['Int32', 'Int32', 4],
  ['Float', 'Float32', 4], ['Double', 'Float64', 8],
] as const;

for (const [name, type, size] of NUMBERS) {
  for (const end of size === 1 ? [''] : ['LE', 'BE']) {
    const view = (buffer: Buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const methods = {
      [`read${name}${end}`](this: Buffer, offset = 0): number {
        return view(this)[`get${type}`](offset, end !== 'BE');
      },
      [`write${name}${end}`](this: Buffer, value: number, offset = 0): number {
        view(this)[`set${type}`](offset, value, end !== 'BE');
        return offset + size;
      },
    };
    Object.assign(Buffer.prototype, methods);
  }
}
