/** `nango.uncontrolledFetch`: a plain request, through the host's gate like every other. */
import * as fetch from '../fetch.ts';
import { callSite, calledAt } from '../errors.ts';
import { bodyOf } from './body.ts';

/** What to fetch. */
export interface UncontrolledFetchOptions {
  /** Where, absolute: a `URL`, or its text. */
  url: { href: string } | string;
  /** `GET` if nothing is said. */
  method?: string;
  /** Headers: an object, or a `Headers`. */
  headers?: Record<string, string> | Iterable<[string, string]>;
  /** The body. */
  body?: string | null;
}

/** A response, with the part of the web's `Response` that needs no streams. */
export interface FetchResponse {
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly url: string;
  readonly redirected: boolean;
  readonly bodyUsed: boolean;
  readonly headers: FetchHeaders;
  text(): Promise<string>;
  // The body's type is the author's to say.
  json(): Promise<any>;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array>;
}

/** Headers of a response. */
export interface FetchHeaders extends Iterable<[string, string]> {
  get(name: string): string | null;
  has(name: string): boolean;
  forEach(each: (value: string, name: string) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
}

/** Sends the request. Any status is a response; the host's refusal is an error. */
export async function uncontrolledFetch(options: UncontrolledFetchOptions): Promise<FetchResponse> {
  const site = callSite();
  try {
    const url = typeof options.url === 'string' ? options.url : options.url.href;
    const headers = new Map(pairs(options.headers).map(([name, value]) => [name.toLowerCase(), value]));
    const body = options.body ? bodyOf(options.body, headers) : undefined;
    const exchange = fetch.send({ method: options.method ?? 'GET', url, headers, body, retries: 0 });
    return new Answer(await exchange.wait());
  } catch (error) {
    throw calledAt(error, site);
  }
}

function pairs(headers: UncontrolledFetchOptions['headers']): [string, string][] {
  if (headers === undefined || headers === null) return [];
  if (Symbol.iterator in headers) return [...(headers as Iterable<[string, string]>)];
  return Object.entries(headers).map(([name, value]) => [name, String(value)]);
}

class Answer implements FetchResponse {
  readonly #reply: fetch.Reply;
  readonly #asked: string;
  readonly headers: FetchHeaders;
  #used = false;

  constructor(reply: fetch.Reply) {
    this.#reply = reply;
    this.#asked = reply.url;
    this.headers = new AnswerHeaders(reply.headers());
  }

  get status(): number {
    return this.#reply.status;
  }
  get statusText(): string {
    return '';
  }
  get ok(): boolean {
    return this.#reply.ok;
  }
  get url(): string {
    return this.#asked;
  }
  get redirected(): boolean {
    return false;
  }
  get bodyUsed(): boolean {
    return this.#used;
  }

  async text(): Promise<string> {
    return this.#take().text();
  }
  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }
  async bytes(): Promise<Uint8Array> {
    return this.#take().bytes();
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes();
    return bytes.slice().buffer as ArrayBuffer;
  }

  #take(): fetch.Reply {
    if (this.#used) throw new TypeError('The body was read already.');
    this.#used = true;
    return this.#reply;
  }
}

class AnswerHeaders implements FetchHeaders {
  readonly #values = new Map<string, string>();

  constructor(pairs: [string, string][]) {
    for (const [name, value] of pairs) {
      const before = this.#values.get(name);
      this.#values.set(name, before === undefined ? value : `${before}, ${value}`);
    }
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }
  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }
  forEach(each: (value: string, name: string) => void): void {
    this.#values.forEach(each);
  }
  entries(): IterableIterator<[string, string]> {
    return this.#values.entries();
  }
  keys(): IterableIterator<string> {
    return this.#values.keys();
  }
  values(): IterableIterator<string> {
    return this.#values.values();
  }
  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}
