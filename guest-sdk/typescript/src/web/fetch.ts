/**
 * `fetch`, `Request` and `Response`, through the gate that all requests of a sync go
 * through. The host decides where a request may go, and adds the connection's credentials
 * only if it goes to the connection's own origin. A status that is no success does not
 * throw; what keeps a request from being answered is a TypeError with the host's error as
 * its cause. The host does not retry: a program that calls `fetch` does so itself.
 */

import { send, type Reply } from '../guest/fetch.ts';
import { timeoutOf, type AbortSignal } from './abort.ts';
import { Body, contentOf, sourceOf, takeBytes, type BodyInit, type Source } from './body.ts';
import { DOMException } from './dom-exception.ts';
import { Headers, type HeadersInit } from './headers.ts';

/** Options of a request; `mode`, `credentials`, `cache` and the like are taken and ignored. */
export interface RequestInit {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit;
  signal?: AbortSignal | null;
  /** `follow` is what the host does; `error` and `manual` are refused. */
  redirect?: 'follow' | 'error' | 'manual';
}

/** Methods that are written in capitals whatever case they come in. Source: the Fetch standard. */
const CAPITAL = /^(delete|get|head|options|post|put|patch)$/i;

/** A request that can be sent. */
export class Request extends Body {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly signal: AbortSignal | null;
  readonly redirect = 'follow';
  /** @internal */
  readonly hasBody: boolean;

  constructor(input: string | URL | Request, init: RequestInit = {}) {
    const from = input instanceof Request ? input : undefined;
    const content = contentOf(init.body);
    super(init.body === undefined && from?.hasBody ? from.shared() : sourceOf(content.data));
    this.hasBody = content.data !== undefined || (init.body === undefined && from?.hasBody === true);
    this.url = from ? from.url : String(input);
    const method = init.method ?? from?.method ?? 'GET';
    this.method = CAPITAL.test(method) ? method.toUpperCase() : method;
    this.headers = new Headers(init.headers ?? from?.headers);
    if (content.type && !this.headers.has('content-type')) this.headers.set('content-type', content.type);
    this.signal = init.signal ?? from?.signal ?? null;
    if (init.redirect && init.redirect !== 'follow') {
      throw new TypeError(`A sync cannot set redirect to "${init.redirect}": the host follows redirects.`);
    }
    if (content.data !== undefined && /^(GET|HEAD)$/.test(this.method)) {
      throw new TypeError('Request with GET/HEAD method cannot have body.');
    }
  }

  clone(): Request {
    return new Request(this);
  }

  protected get contentType(): string | null {
    return this.headers.get('content-type');
  }

  get [Symbol.toStringTag](): string {
    return 'Request';
  }
}

/** What a response is beside its body. */
export interface ResponseInit {
  status?: number;
  statusText?: string;
  headers?: HeadersInit;
}

/** The usual words for statuses; the host does not hand on the provider's own. */
const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 206: 'Partial Content',
  301: 'Moved Permanently', 302: 'Found', 304: 'Not Modified', 400: 'Bad Request',
  401: 'Unauthorized', 402: 'Payment Required', 403: 'Forbidden', 404: 'Not Found',
  405: 'Method Not Allowed', 406: 'Not Acceptable', 409: 'Conflict', 410: 'Gone',
  412: 'Precondition Failed', 415: 'Unsupported Media Type', 422: 'Unprocessable Entity',
  429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway',
  503: 'Service Unavailable', 504: 'Gateway Timeout',
};

/** The response that a reply of the host is. */
let answered: (reply: Reply, url: string) => Response;

/** An answer. */
export class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  #url = '';
  #redirected = false;

  constructor(body: BodyInit | Source | undefined = null, init: ResponseInit = {}) {
    const made = isSource(body) ? undefined : contentOf(body);
    super(isSource(body) ? body : sourceOf(made?.data));
    this.status = init.status ?? 200;
    this.statusText = init.statusText ?? '';
    this.headers = new Headers(init.headers);
    if (made?.type && !this.headers.has('content-type')) this.headers.set('content-type', made.type);
    if (!(this.status >= 200 && this.status <= 599)) {
      throw new RangeError(`The status of a response is ${this.status}; it may be 200 to 599.`);
    }
  }

  static {
    answered = (reply, url) => {
      const { status } = reply;
      const init = { status, statusText: STATUS_TEXTS[status] ?? '', headers: reply.headers() };
      // The body is taken out of the host only when it is asked for.
      const response = new Response({ text: () => reply.text(), bytes: () => reply.bytes() }, init);
      response.#url = reply.url;
      response.#redirected = /^https?:/.test(url) && reply.url !== url.replace(/#.*/, '');
      return response;
    };
  }

  /** A response whose body is `value` as JSON. */
  static json(value: unknown, init: ResponseInit = {}): Response {
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new Response(JSON.stringify(value), { ...init, headers });
  }

  /** Whether the status is from 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  /** The URL that answered. */
  get url(): string {
    return this.#url;
  }

  /** Whether another URL than the first answered. */
  get redirected(): boolean {
    return this.#redirected;
  }

  /** `default` for one that the program made itself. */
  get type(): string {
    return this.#url === '' ? 'default' : 'basic';
  }

  clone(): Response {
    const { status, statusText, headers } = this;
    const other = new Response(this.shared(), { status, statusText, headers });
    other.#url = this.#url;
    other.#redirected = this.#redirected;
    return other;
  }

  protected get contentType(): string | null {
    return this.headers.get('content-type');
  }

  get [Symbol.toStringTag](): string {
    return 'Response';
  }
}

function isSource(body: unknown): body is Source {
  return Object.prototype.toString.call(body) === '[object Object]' && typeof (body as Source).bytes === 'function';
}

/**
 * Sends a request. Throws a TypeError if nothing answered (its `cause` is the host's error),
 * and the signal's reason if it was aborted before. A signal of `AbortSignal.timeout` limits
 * the exchange; another one cannot end it, because a sync waits for one thing at a time.
 */
export async function fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const request = new Request(input, init);
  const { url, method, headers, signal } = request;
  signal?.throwIfAborted();
  const timeoutMs = signal ? timeoutOf(signal) : undefined;
  const body = request.hasBody ? takeBytes(request) : undefined;
  try {
    const reply = await send({ method, url, headers, body, retries: 0, timeoutMs }).wait();
    return answered(reply, url);
  } catch (cause) {
    if (timeoutMs !== undefined && (cause as { code?: unknown }).code === 'provider.timeout') {
      throw new DOMException('The operation was aborted due to timeout', { name: 'TimeoutError', cause });
    }
    throw new TypeError('fetch failed', { cause });
  }
}
