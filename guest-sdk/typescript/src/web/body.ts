/** The body of a request or a response: taken once, as text, JSON or bytes. */

import { Blob, bytesOfBlob } from './blob.ts';
import { TextDecoder, TextEncoder } from './encoding.ts';
import { FormData, multipart } from './form-data.ts';

/** What a body is made of. */
export type BodyInit = string | ArrayBuffer | ArrayBufferView | Blob | FormData | URLSearchParams | null;

/** Text or bytes, and the content type that they have of themselves. */
export interface Content {
  data: string | Uint8Array | undefined;
  type: string | undefined;
}

/** What a body is, to be sent. Throws a TypeError for what is none. */
export function contentOf(body: BodyInit | undefined): Content {
  if (body === null || body === undefined) return { data: undefined, type: undefined };
  if (typeof body === 'string') return { data: body, type: 'text/plain;charset=UTF-8' };
  if (body instanceof Blob) return { data: bytesOfBlob(body), type: body.type || undefined };
  if (body instanceof FormData) return contentOf(multipart(body));
  if (body instanceof ArrayBuffer) return { data: new Uint8Array(body), type: undefined };
  if (ArrayBuffer.isView(body)) {
    return { data: new Uint8Array(body.buffer, body.byteOffset, body.byteLength), type: undefined };
  }
  // By its name, so that a request does not bring `URLSearchParams` along.
  if (Object.prototype.toString.call(body) === '[object URLSearchParams]') {
    return { data: String(body), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  }
  if (typeof body === 'object' && (Symbol.asyncIterator in body || 'getReader' in body)) {
    throw new TypeError('A sync cannot send a stream. Give the body as text or bytes.');
  }
  return { data: String(body), type: 'text/plain;charset=UTF-8' };
}

/** Where a body comes from. One of the two is called, once. */
export interface Source {
  text(): string;
  bytes(): Uint8Array;
}

/** The source that text or bytes are. */
export function sourceOf(data: string | Uint8Array | undefined = ''): Source {
  if (typeof data === 'string') {
    return { text: () => data.replace(/^\ufeff/, ''), bytes: () => new TextEncoder().encode(data) };
  }
  return { text: () => new TextDecoder().decode(data), bytes: () => data };
}

/** Takes the body of a request, to send it. */
export let takeBytes: (body: Body) => Uint8Array;

/** What `Request` and `Response` have in common. */
export abstract class Body {
  #source: Source;
  #used = false;

  constructor(source: Source) {
    this.#source = source;
  }

  static {
    takeBytes = (body) => body.#take().bytes();
  }

  /** Its content type. */
  protected abstract readonly contentType: string | null;

  /** Whether it was taken. */
  get bodyUsed(): boolean {
    return this.#used;
  }

  async text(): Promise<string> {
    return this.#take().text();
  }

  async json(): Promise<unknown> {
    return JSON.parse(this.#take().text());
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(this.#take().bytes());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  async blob(): Promise<Blob> {
    return new Blob([this.#take().bytes()], { type: this.contentType ?? '' });
  }

  /** A source for another that has the same body. Its bytes are kept for both. */
  protected shared(): Source {
    if (this.#used) throw new TypeError('The body was taken already, and cannot be cloned.');
    this.#source = sourceOf(this.#source.bytes());
    return this.#source;
  }

  #take(): Source {
    if (this.#used) throw new TypeError('Body is unusable: Body has already been read');
    this.#used = true;
    const source = this.#source;
    this.#source = sourceOf();
    return source;
  }
}
