/** UTF-8 to UTF-16, as the Encoding standard says which bytes become one U+FFFD. */

import { INVALID, type Decoder } from './encoding.ts';

/** A decoder of UTF-8 that takes its bytes in pieces. */
export class Utf8Decoder implements Decoder {
  #point = 0;
  /** Bytes that the character still needs. */
  #missing = 0;
  /** The range that the next byte must be in: it shuts out what is too long or too high. */
  #lower = 0x80;
  #upper = 0xbf;

  decode(bytes: Uint8Array, put: (unit: number) => void): void {
    for (const byte of bytes) {
      if (this.#missing > 0) {
        if (byte >= this.#lower && byte <= this.#upper) {
          this.#next(byte, put);
          continue;
        }
        this.#reset();
        put(INVALID);
      }
      if (byte < 0x80) put(byte);
      else this.#first(byte, put);
    }
  }

  end(put: (unit: number) => void): void {
    if (this.#missing === 0) return;
    this.#reset();
    put(INVALID);
  }

  #first(byte: number, put: (unit: number) => void): void {
    if (byte < 0xc2 || byte > 0xf4) return put(INVALID);
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.#point = byte & (0x3f >> this.#missing);
    if (byte === 0xe0) this.#lower = 0xa0;
    if (byte === 0xed) this.#upper = 0x9f;
    if (byte === 0xf0) this.#lower = 0x90;
    if (byte === 0xf4) this.#upper = 0x8f;
  }

  #next(byte: number, put: (unit: number) => void): void {
    this.#lower = 0x80;
    this.#upper = 0xbf;
    this.#point = (this.#point << 6) | (byte & 0x3f);
    if (--this.#missing > 0) return;
    if (this.#point < 0x10000) return put(this.#point);
    put(0xd800 + ((this.#point - 0x10000) >> 10));
    put(0xdc00 + (this.#point & 0x3ff));
  }

  #reset(): void {
    this.#missing = 0;
    this.#lower = 0x80;
    this.#upper = 0xbf;
  }
}
