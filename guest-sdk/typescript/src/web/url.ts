/**
 * `URL`, on the parser of whatwg-url, the reference implementation of the URL standard.
 * The classes round the parser are our own: those of the library are generated code that
 * takes half a megabyte of a run's memory. Hosts outside ASCII are refused; see
 * `url-host.ts`.
 */

import './text-globals.ts';
import parser, { type Part, type Record as UrlRecord } from 'whatwg-url/lib/url-state-machine.js';
import { linked, reload, URLSearchParams } from './url-search-params.ts';

export { URLSearchParams };

/** A URL as in browsers and Node. Throws a TypeError for what is no URL. */
export class URL {
  #url: UrlRecord;
  #params: URLSearchParams;

  constructor(url: string | URL, base?: string | URL) {
    if (arguments.length === 0) throw new TypeError('new URL() takes a URL and was given nothing.');
    this.#url = parsed(String(url), base === undefined ? undefined : String(base));
    this.#params = linked(this.#url.query ?? '', (query) => {
      this.#url.query = query === '' ? null : query;
    });
  }

  /** Whether `new URL` would take it. */
  static canParse(url: string | URL, base?: string | URL): boolean {
    return URL.parse(url, base) !== null;
  }

  /** The URL, or null where `new URL` would throw. */
  static parse(url: string | URL, base?: string | URL): URL | null {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  }

  get href(): string {
    return parser.serializeURL(this.#url);
  }

  set href(value: string) {
    this.#url = parsed(String(value));
    reload(this.#params, this.#url.query ?? '');
  }

  get origin(): string {
    return parser.serializeURLOrigin(this.#url);
  }

  get protocol(): string {
    return `${this.#url.scheme}:`;
  }

  set protocol(value: string) {
    this.#set(`${value}:`, 'scheme start');
  }

  get username(): string {
    return this.#url.username;
  }

  set username(value: string) {
    if (!parser.cannotHaveAUsernamePasswordPort(this.#url)) {
      parser.setTheUsername(this.#url, String(value));
    }
  }

  get password(): string {
    return this.#url.password;
  }

  set password(value: string) {
    if (!parser.cannotHaveAUsernamePasswordPort(this.#url)) {
      parser.setThePassword(this.#url, String(value));
    }
  }

  get host(): string {
    const { port } = this.#url;
    return port === null ? this.hostname : `${this.hostname}:${port}`;
  }

  set host(value: string) {
    if (!parser.hasAnOpaquePath(this.#url)) this.#set(value, 'host');
  }

  get hostname(): string {
    const { host } = this.#url;
    return host === null ? '' : parser.serializeHost(host);
  }

  set hostname(value: string) {
    if (!parser.hasAnOpaquePath(this.#url)) this.#set(value, 'hostname');
  }

  get port(): string {
    return String(this.#url.port ?? '');
  }

  set port(value: string) {
    if (parser.cannotHaveAUsernamePasswordPort(this.#url)) return;
    if (String(value) === '') this.#url.port = null;
    else this.#set(value, 'port');
  }

  get pathname(): string {
    return parser.serializePath(this.#url);
  }

  set pathname(value: string) {
    if (parser.hasAnOpaquePath(this.#url)) return;
    this.#url.path = [];
    this.#set(value, 'path start');
  }

  get search(): string {
    return this.#url.query ? `?${this.#url.query}` : '';
  }

  set search(value: string) {
    const query = String(value).replace(/^\?/, '');
    this.#url.query = String(value) === '' ? null : '';
    if (this.#url.query !== null) this.#set(query, 'query');
    reload(this.#params, this.#url.query ?? '');
  }

  /** The query's parameters; what is changed there changes the URL. */
  get searchParams(): URLSearchParams {
    return this.#params;
  }

  get hash(): string {
    return this.#url.fragment ? `#${this.#url.fragment}` : '';
  }

  set hash(value: string) {
    this.#url.fragment = String(value) === '' ? null : '';
    if (this.#url.fragment !== null) this.#set(String(value).replace(/^#/, ''), 'fragment');
  }

  toString(): string {
    return this.href;
  }

  toJSON(): string {
    return this.href;
  }

  get [Symbol.toStringTag](): string {
    return 'URL';
  }

  /** As Node shows a URL in the log. */
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    const shown = Object.fromEntries(SHOWN.map((name) => [name, this[name]]));
    return `URL ${inspect(shown, options)}`;
  }

  #set(value: string, stateOverride: Part): void {
    parser.basicURLParse(String(value), { url: this.#url, stateOverride });
  }
}

const SHOWN = [
  'href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname',
  'search', 'searchParams', 'hash',
] as const;

function parsed(url: string, base?: string): UrlRecord {
  const baseURL = base === undefined ? undefined : parser.basicURLParse(base);
  const record = baseURL === null ? null : parser.basicURLParse(url, { baseURL });
  if (record) return record;
  const text = base === undefined ? 'Invalid URL' : `Invalid URL against the base "${base}"`;
  throw Object.assign(new TypeError(`${text}: "${url}"`), { code: 'ERR_INVALID_URL', input: url });
}
