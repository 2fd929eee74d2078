/** `tidegate:sync/fetch` on Node. */
import { current } from '../current.ts';
import { type PendingSend, type RequestParts, type TakenReply, trap, wellFormed } from '../imports.ts';

/** A request being built. */
export class Request {
  readonly parts: RequestParts;

  constructor(method: string, url: string) {
    this.parts = { method: wellFormed(method), url: wellFormed(url), query: [], headers: new Map() };
  }
  setHeader(name: string, value: string): void {
    this.parts.headers.set(wellFormed(name).toLowerCase(), wellFormed(value));
  }
  setQuery(name: string, value: string): void {
    this.parts.query.push([wellFormed(name), wellFormed(value)]);
  }
  setBody(body: Uint8Array): void {
    if (!(body instanceof Uint8Array)) trap('a body of bytes', body);
    this.parts.body = body;
  }
  setBodyText(body: string): void {
    this.parts.body = new TextEncoder().encode(wellFormed(body));
  }
  setTimeoutMs(milliseconds: number): void {
    this.parts.timeoutMs = u32(milliseconds);
  }
  setRetries(retries: number): void {
    this.parts.retries = u32(retries);
  }
  setRetryOn(statuses: number[]): void {
    this.parts.retryOn = statuses.map(u32);
  }
  setBaseUrl(url: string): void {
    this.parts.baseUrl = wellFormed(url);
  }
}

function u32(value: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff) trap('a u32', value);
  return value;
}

/** A request under way. */
export class Pending {
  readonly #pending: PendingSend;

  constructor(pending: PendingSend) {
    this.#pending = pending;
  }
  wait(): Response {
    return new Response(this.#pending.wait());
  }
}

/** A response. */
export class Response {
  readonly #reply: TakenReply;
  #body: Uint8Array;

  constructor(reply: TakenReply) {
    this.#reply = reply;
    this.#body = reply.body;
  }
  status(): number {
    return this.#reply.status;
  }
  headers(): [string, string][] {
    return this.#reply.headers;
  }
  header(name: string): string | undefined {
    return this.#reply.headers.find(([known]) => known === wellFormed(name).toLowerCase())?.[1];
  }
  url(): string {
    return this.#reply.url;
  }
  text(): string {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#body);
    } catch {
      return current().fail('invalid.argument', 'the body is not UTF-8; take it with `body`');
    }
    this.#body = new Uint8Array();
    return text;
  }
  body(): Uint8Array {
    const body = this.#body;
    this.#body = new Uint8Array();
    return body;
  }
  read(maxBytes: number): Uint8Array | undefined {
    if (this.#body.length === 0) return undefined;
    const part = this.#body.slice(0, u32(maxBytes));
    this.#body = this.#body.slice(part.length);
    return part;
  }
}

/** Starts a request. */
export function send(request: Request): Pending {
  return new Pending(current().send(request.parts));
}
