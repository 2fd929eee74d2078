/** `nango.get` and its kin: a proxy configuration sent through the host's gate. */
import * as fetch from '../fetch.ts';
import * as log from '../log.ts';
import { Bytes } from '../bytes.ts';
import { TidegateError, callSite, calledAt, refused } from '../errors.ts';
import { kindOf } from '../check.ts';
import { bodyOf } from './body.ts';
import { type AxiosResponse, type ProxyConfiguration, ProxyError } from './http.ts';
import { isParams, pairsOf, splitQuery, without } from './query.ts';

/** What is asked for where the sync does not say, as axios does. */
const ACCEPT_DEFAULT = 'application/json, text/plain, */*';

/** Methods whose request carries `data`. */
const METHODS_WITH_BODY = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** Bytes of a streamed body that are asked of the host at once. */
const STREAM_BYTES = 64 * 1024;

/** Headers of the host's, which it refuses from a sync: credentials, framing, the way. */
const HOST_HEADERS = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'cookie2',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-real-ip',
]);

/** Families of such headers, by how they start. */
const HOST_HEADER_FAMILIES = ['proxy-', 'x-forwarded-'];

/** What a placeholder for a secret begins with: a header with one is a credential. */
const PLACEHOLDER = '{{secret.';

/**
 * Sends a request and gives its response. A status that is no success raises a
 * {@link ProxyError}; what the host refuses or the network fails raises the host's error.
 */
export async function proxy<T>(config: ProxyConfiguration): Promise<AxiosResponse<T>> {
  const site = callSite();
  try {
    const outgoing = outgoingOf(config);
    const exchange = fetch.send(outgoing);
    const reply = await exchange.wait();
    const response = responseOf<T>(reply, config, outgoing);
    if (reply.ok) return response;
    throw new ProxyError(response);
  } catch (error) {
    throw calledAt(withConfig(error, config), site);
  }
}

/** An error without a response tells which request failed, as axios's does. */
function withConfig(error: unknown, config: ProxyConfiguration): unknown {
  if (error instanceof TidegateError && error.code !== 'invalid.argument') {
    const asked = { ...config, method: (config.method ?? 'GET').toLowerCase(), url: config.endpoint };
    Object.defineProperty(error, 'config', { value: asked, configurable: true });
  }
  return error;
}

/** The request of a configuration. */
export function outgoingOf(config: ProxyConfiguration): fetch.Outgoing & { method: string } {
  if (typeof config !== 'object' || config === null) {
    throw refused(`The request must be an object with an \`endpoint\`, not ${kindOf(config)}.`);
  }
  const method = String(config.method ?? 'GET').toUpperCase();
  const headers = headersOf(config.headers);
  const hasBody = METHODS_WITH_BODY.includes(method) && Boolean(config.data);
  const body = hasBody ? bodyOf(config.data, headers) : undefined;
  return {
    method,
    ...targetOf(config),
    headers: headers,
    body,
    retries: Number(config.retries ?? 0) || 0,
    retryOn: Array.isArray(config.retryOn) ? config.retryOn.map(Number) : undefined,
    timeoutMs: config.timeout,
  };
}

/**
 * Where a request goes. Base URL and endpoint are put together as texts, so that a base
 * with a path keeps it whether or not the endpoint begins with a slash.
 */
function targetOf(config: ProxyConfiguration): { url: string; query: [string, string][] } {
  const endpoint = String(config.endpoint ?? '').trim();
  if (endpoint === '' && !config.baseUrlOverride) {
    throw refused('The request has neither an `endpoint` nor a `baseUrlOverride`; it must say where to go.');
  }
  const { raw, pairs } = paramsOf(config.params);
  const [path, query] = splitQuery(located(endpoint, config.baseUrlOverride));
  const own = without(query ?? '', new Set(pairs.map(([name]) => name)));
  const all = [own, raw].filter((part) => part !== '').join('&');
  return { url: all === '' ? path : `${path}?${all}`, query: pairs };
}

function located(endpoint: string, base: string | undefined): string {
  if (/^https?:\/\//i.test(endpoint)) return endpoint;
  const path = endpoint.startsWith('/') ? endpoint.slice(1) : endpoint;
  // The dot keeps a path such as `people:search` from being read as a scheme.
  if (!base) return `./${path}`;
  const folder = base.endsWith('/') ? base.slice(0, -1) : base;
  return path === '' ? folder : `${folder}/${path}`;
}

/** Parameters as they are, where they are given as text, or as pairs that take a place. */
function paramsOf(params: unknown): { raw: string; pairs: [string, string][] } {
  if (params === undefined || params === null) return { raw: '', pairs: [] };
  if (typeof params === 'string') return { raw: params.replace(/^\?/, ''), pairs: [] };
  if (isParams(params)) return { raw: '', pairs: [...params.entries()] };
  if (typeof params !== 'object') throw refused(`\`params\` must be an object or a string, not ${kindOf(params)}.`);
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  return { raw: '', pairs: given.map(([name, value]) => [name, String(value)]) };
}

/** The parameters of a request as an object, for one who adds to them. */
export function paramsObject(params: ProxyConfiguration['params']): Record<string, unknown> {
  if (typeof params === 'string') return Object.fromEntries(pairsOf(params));
  if (isParams(params)) return Object.fromEntries(params.entries());
  return { ...params };
}

function headersOf(given: Record<string, unknown> | undefined): Map<string, string> {
  const headers = new Map([['accept', ACCEPT_DEFAULT]]);
  for (const [key, value] of Object.entries(given ?? {})) {
    if (value === undefined || value === null) continue;
    const name = key.toLowerCase();
    if (isOfHost(name, String(value))) {
      log.warnOnce(
        `The header \`${name}\` that the sync sets is left out: the host adds the connection's own credentials.`,
      );
    } else headers.set(name, String(value));
  }
  return headers;
}

function isOfHost(name: string, value: string): boolean {
  const isKnown = HOST_HEADERS.has(name) || HOST_HEADER_FAMILIES.some((family) => name.startsWith(family));
  return isKnown || value.includes(PLACEHOLDER);
}

function responseOf<T>(reply: fetch.Reply, config: ProxyConfiguration, outgoing: fetch.Outgoing): AxiosResponse<T> {
  const { status } = reply;
  return {
    data: dataOf(reply, config.responseType) as T,
    status,
    statusText: STATUS_TEXTS[status] ?? '',
    headers: headerObject(reply.headers()),
    config: {
      ...config,
      method: outgoing.method.toLowerCase(),
      url: reply.url,
      headers: Object.fromEntries(outgoing.headers ?? []),
    },
  };
}

/** Headers as axios gives them: joined by commas, cookies in a list. */
function headerObject(pairs: [string, string][]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of pairs) {
    const before = headers[name];
    if (name === 'set-cookie') headers[name] = Array.isArray(before) ? [...before, value] : [value];
    else headers[name] = before === undefined ? value : `${String(before)}, ${value}`;
  }
  return headers;
}

function dataOf(reply: fetch.Reply, type: ProxyConfiguration['responseType']): unknown {
  switch (type) {
    case 'arraybuffer':
    case 'blob':
      return new Bytes(reply.bytes());
    case 'stream':
      return parts(reply);
    case 'text':
    case 'document':
      return reply.text();
    default:
      return parsed(reply.text());
  }
}

async function* parts(reply: fetch.Reply): AsyncGenerator<Uint8Array, void, void> {
  for (let part = reply.read(STREAM_BYTES); part !== undefined; part = reply.read(STREAM_BYTES)) yield part;
}

/** A body as JSON where it is some, else as text. */
export function parsed(text: string): unknown {
  if (text === '') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The usual words for a status; HTTP/2 sends none. */
const STATUS_TEXTS: Record<number, string> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  423: 'Locked',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};
