/** Requests of the native API: `run.get('/users', { query: { limit: 200 } })`. */
import type * as z from 'zod';
import * as check from './check.ts';
import * as fetch from './fetch.ts';
import { TidegateError, callSite, calledAt } from './errors.ts';
import { parse } from './parse.ts';

/** Characters of an unsuccessful response's body that go into the error's message. */
const EXCERPT_CHARS = 512;

/** Bytes asked of the host at once when a body is read in pieces. */
const CHUNK_BYTES = 64 * 1024;

/** What a query parameter can be: a list is sent as one parameter for each of its values. */
export type QueryValue = string | number | boolean | null | undefined | readonly (string | number | boolean)[];

/** What a request carries beside method and URL. */
export interface RequestOptions {
  /** Query parameters; those that are `undefined` or `null` are left out. */
  query?: Record<string, QueryValue>;
  /** Headers. Credentials need none: the host adds them. */
  headers?: Record<string, string | number | undefined>;
  /** A body that is sent as JSON, with its content type. */
  json?: unknown;
  /** A body as it is. */
  body?: string | Uint8Array;
  /** Time for one exchange in milliseconds: default 120,000, at most 600,000. */
  timeoutMs?: number;
  /** Tries after the first: default 3, at most 20. */
  retries?: number;
  /** Statuses to try again beside 429 and 5xx. */
  retryOn?: readonly number[];
  /** Takes the place of the connection's base URL. */
  baseUrl?: string;
  /** Takes every status as a response, also one that is no success. */
  anyStatus?: boolean;
}

/** A status that is no success. */
export class HttpError extends TidegateError {
  override readonly name: string = 'HttpError';
  /** The HTTP status. */
  readonly status: number;
  /** The response's headers, names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The response's body. */
  readonly body: string;

  constructor(call: string, status: number, headers: ReadonlyMap<string, string>, body: string) {
    const said = excerpt(body);
    super('guest.error', `${call} answered ${status}${said === '' ? '' : `: ${said}`}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** Sends a request and waits for the response. */
export async function request(method: string, url: string, options: RequestOptions = {}): Promise<Response> {
  const site = callSite();
  try {
    const exchange = fetch.send(outgoingOf(method, url, options));
    const response = new Response(await exchange.wait(), `${method} ${url}`);
    if (!response.ok && options.anyStatus !== true) throw response.error();
    return response;
  } catch (error) {
    throw calledAt(error, site);
  }
}

function outgoingOf(method: string, url: string, options: RequestOptions): fetch.Outgoing {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (value !== undefined) headers.set(name.toLowerCase(), String(value));
  }
  let body = options.body;
  if (options.json !== undefined) {
    body = check.json(options.json, '`json`');
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
  }
  const { baseUrl, timeoutMs, retries, retryOn } = options;
  return { method, url, baseUrl, query: queryOf(options.query), headers, body, timeoutMs, retries, retryOn };
}

function* queryOf(query: RequestOptions['query']): Generator<[string, string]> {
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null) continue;
    const values = typeof value === 'object' ? value : [value];
    for (const each of values) yield [name, String(each)];
  }
}

/** A response. Its body is taken once, and counts against the run's memory until then. */
export class Response {
  readonly #reply: fetch.Reply;
  readonly #call: string;

  constructor(reply: fetch.Reply, call: string) {
    this.#reply = reply;
    this.#call = call;
  }

  /** The HTTP status. */
  get status(): number {
    return this.#reply.status;
  }
  /** Whether the status is from 200 to 299. */
  get ok(): boolean {
    return this.#reply.ok;
  }
  /** The URL that answered, after redirects, without credentials. */
  get url(): string {
    return this.#reply.url;
  }
  /** The headers, names in lower case; of several values of one name, all with commas between. */
  get headers(): ReadonlyMap<string, string> {
    const headers = new Map<string, string>();
    for (const [name, value] of this.#reply.headers()) {
      const before = headers.get(name);
      headers.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    return headers;
  }
  /** The first value of a header, by its name in any case. */
  header(name: string): string | undefined {
    return this.#reply.header(name);
  }
  /** Takes the body as text. */
  text(): string {
    return this.#reply.text();
  }
  /** Takes the body as bytes. */
  bytes(): Uint8Array {
    return this.#reply.bytes();
  }
  /** Takes the body in pieces, for one that is too large to hold at once. */
  *chunks(): Generator<Uint8Array, void, void> {
    for (let part = this.#reply.read(CHUNK_BYTES); part !== undefined; part = this.#reply.read(CHUNK_BYTES)) yield part;
  }
  /** Takes the body as JSON; with a schema, checked by it. What does not fit is named with its place. */
  json<Schema extends z.ZodType>(schema: Schema): z.output<Schema>;
  json<T = unknown>(): T;
  json(schema?: z.ZodType): unknown {
    return jsonOf(this.#call, this.text(), schema);
  }
  /** The error that stands for this response; takes the body. */
  error(): HttpError {
    return new HttpError(this.#call, this.status, this.headers, this.text());
  }
}

/** A body's JSON. */
export function jsonOf(call: string, text: string, schema?: z.ZodType): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw unexpectedBody(call, `it is no JSON (${cause instanceof Error ? cause.message : String(cause)})`, text);
  }
  if (schema === undefined) return body;
  return parse(schema, body, (why) => unexpectedBody(call, why, text));
}

/** The error for a body that is not what was expected, with the beginning of it. */
export function unexpectedBody(call: string, why: string, text: string): TidegateError {
  return new TidegateError(
    'guest.error',
    `${call} answered something unexpected: ${why}; the body begins: ${excerpt(text)}`,
  );
}

function excerpt(text: string): string {
  const trimmed = text.trim();
  return trimmed.length <= EXCERPT_CHARS ? trimmed : `${trimmed.slice(0, EXCERPT_CHARS)} …`;
}
