/// <reference path="./host.d.ts" />
/**
 * Requests to the connection's provider, over the import. The host joins the URL, adds
 * the credentials, checks where it goes, retries and waits.
 */
import * as host from 'tidegate:sync/fetch@0.1.0';
import * as check from './check.ts';
import { decodeUtf8 } from './bytes.ts';
import { TidegateError, hosted } from './errors.ts';

/** Turns of the microtask queue between sending and waiting; see {@link Exchange.wait}. */
const TURNS_BEFORE_WAIT = 3;

/** Tries after the first that the host makes at most. */
const RETRIES_MAX = 20;

/** A request as it goes to the host. */
export interface Outgoing {
  /** `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, `HEAD` or `OPTIONS`. */
  method: string;
  /** Absolute, or relative to the connection's base URL, whose path it is put behind. */
  url: string;
  /** Takes the place of the connection's base URL. */
  baseUrl?: string | undefined;
  /** Added to the URL's own query, percent-encoded by the host. */
  query?: Iterable<readonly [name: string, value: string]>;
  /** Headers; names in any case. */
  headers?: Iterable<readonly [name: string, value: string]>;
  /** Text, or bytes. */
  body?: string | Uint8Array | undefined;
  /** Time for one exchange in milliseconds: default 120,000, at most 600,000. */
  timeoutMs?: number | undefined;
  /** Tries after the first: default 3, at most 20. */
  retries?: number | undefined;
  /** Statuses to try again beside 429 and 5xx. */
  retryOn?: readonly number[] | undefined;
}

/** How many requests were sent, and how many of them were waited for. */
let [sentCount, waitedCount] = [0, 0];

/** How many requests this run has sent. */
export function requestsSent(): number {
  return sentCount;
}

/** How many requests are under way. */
export function requestsUnderWay(): number {
  return sentCount - waitedCount;
}

/** Forgets requests of a run before; when a run begins. */
export function begin(): void {
  [sentCount, waitedCount] = [0, 0];
}

/** Sends a request and comes back at once, so that several can be under way. */
export function send(outgoing: Outgoing): Exchange {
  const request = new host.Request(methodOf(outgoing.method), check.text(outgoing.url, 'The URL'));
  if (outgoing.baseUrl !== undefined) request.setBaseUrl(check.text(outgoing.baseUrl, 'The base URL'));
  for (const [name, value] of outgoing.query ?? []) {
    const what = `The query parameter \`${name}\``;
    request.setQuery(check.text(name, 'The name of a query parameter'), check.text(value, what));
  }
  for (const [name, value] of outgoing.headers ?? []) {
    request.setHeader(check.text(name, 'The name of a header'), check.text(value, `The header \`${name}\``));
  }
  setBody(request, outgoing.body);
  const { timeoutMs, retries, retryOn } = outgoing;
  if (timeoutMs !== undefined) request.setTimeoutMs(check.count(timeoutMs, 'The timeout'));
  if (retries !== undefined) request.setRetries(Math.min(check.count(retries, '`retries`'), RETRIES_MAX));
  if (retryOn !== undefined) request.setRetryOn(retryOn.map((status) => check.count(status, 'A status of `retryOn`')));
  const exchange = new Exchange(hosted(() => host.send(request)));
  sentCount++;
  return exchange;
}

function setBody(request: host.Request, body: string | Uint8Array | undefined): void {
  if (body === undefined) return;
  if (typeof body === 'string') request.setBodyText(check.text(body, 'The body'));
  // A subclass of Uint8Array (a Buffer) crosses as the plain array that it is.
  else request.setBody(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
}

function methodOf(method: string): string {
  return check.name(method, 'The method').toUpperCase();
}

/** A request under way. */
export class Exchange {
  readonly #pending: host.Pending;

  constructor(pending: host.Pending) {
    this.#pending = pending;
  }

  /**
   * Waits for the response, and everything in the run with it. A status that is no success
   * is a response. `provider.…`, `egress.denied`, `limit.response`, `limit.requests`.
   */
  waitNow(): Reply {
    waitedCount++;
    return new Reply(hosted(() => this.#pending.wait()));
  }

  /**
   * Waits a few turns later, so that requests which are started together
   * (`Promise.all([get(a), get(b)])`) are all sent before the first is waited for.
   */
  async wait(): Promise<Reply> {
    for (let turn = 0; turn < TURNS_BEFORE_WAIT; turn++) await undefined;
    return this.waitNow();
  }
}

/** A response. Its body counts against the run's memory until it is taken. */
export class Reply {
  readonly #response: host.Response;

  constructor(response: host.Response) {
    this.#response = response;
  }

  /** The HTTP status. */
  get status(): number {
    return this.#response.status();
  }

  /** Whether the status is from 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The URL that answered, after redirects, without credentials. */
  get url(): string {
    return this.#response.url();
  }

  /** All headers in the provider's order, names in lower case. */
  headers(): [name: string, value: string][] {
    return this.#response.headers();
  }

  /** The first value of a header, by its name in any case. */
  header(name: string): string | undefined {
    return this.#response.header(check.text(name, "The header's name")) ?? undefined;
  }

  /**
   * Takes the body as text. Bytes that are no UTF-8 become U+FFFD and a byte order mark
   * at the start is left out, as in browsers.
   */
  text(): string {
    try {
      const text = hosted(() => this.#response.text());
      return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    } catch (error) {
      if (error instanceof TidegateError && error.code === 'invalid.argument') return decodeUtf8(this.bytes());
      throw error;
    }
  }

  /** Takes the body as bytes. */
  bytes(): Uint8Array {
    return hosted(() => this.#response.body());
  }

  /** Takes the next at most `maxBytes` of the body; `undefined` at its end. */
  read(maxBytes: number): Uint8Array | undefined {
    const most = check.count(maxBytes, 'The bytes to read');
    return hosted(() => this.#response.read(most)) ?? undefined;
  }
}
