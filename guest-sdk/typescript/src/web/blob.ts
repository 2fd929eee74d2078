/** `Blob`, as far as requests and responses need it: bytes with a type. */

import { TextDecoder, TextEncoder } from './encoding.ts';

/** What a blob is made of. */
export type BlobPart = string | ArrayBuffer | ArrayBufferView | Blob;

/** The bytes of a blob, not copied. */
export let bytesOfBlob: (blob: Blob) => Uint8Array<ArrayBuffer>;

/** Bytes with a content type. */
export class Blob {
  readonly type: string;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(parts: Iterable<BlobPart> = [], options: { type?: string } = {}) {
    this.type = (options.type ?? '').toLowerCase();
    const pieces = Array.from(parts, pieceOf);
    this.#bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      this.#bytes.set(piece, at);
      at += piece.length;
    }
  }

  static {
    bytesOfBlob = (blob) => blob.#bytes;
  }

  /** How many bytes it has. */
  get size(): number {
    return this.#bytes.length;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer;
  }

  async bytes(): Promise<Uint8Array> {
    return this.#bytes.slice();
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(this.#bytes);
  }

  /** A part of it. */
  slice(start = 0, end: number = this.size, type = ''): Blob {
    return new Blob([this.#bytes.slice(start, end)], { type });
  }

  get [Symbol.toStringTag](): string {
    return 'Blob';
  }
}

function pieceOf(part: BlobPart): Uint8Array {
  if (part instanceof Blob) return bytesOfBlob(part);
  if (part instanceof ArrayBuffer) return new Uint8Array(part);
  if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  return new TextEncoder().encode(String(part));
}
