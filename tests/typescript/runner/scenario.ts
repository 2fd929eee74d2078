// What a scenario is: what the invented provider answers, what the connection holds, which
// runs are made, and what they must leave behind. One scenario is for one sync.

import type { IncomingHttpHeaders } from 'node:http';

/** A request as the provider sees it. */
export interface Asked {
  /** Which run of the sync this is, from 1. */
  run: number;
  /** How often this route was asked in this run, this time included. */
  n: number;
  method: string;
  path: string;
  /** What stands in the route's `:names`. */
  params: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** The body, parsed where it is JSON, otherwise its text. */
  body: any;
  /** Origin of this provider, and of the second one. */
  url: string;
  other: string;
}

/** An answer that is more than a body. */
export class Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;
  constructor(status: number, body: unknown, headers: Record<string, string>) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** An answer with a status and headers; text goes out as it is, all else as JSON. */
export function reply(status: number, body: unknown = '', headers: Record<string, string> = {}): Reply {
  return new Reply(status, body, headers);
}

/** A failure that may be tried again at once, so that no run waits out a real backoff. */
export function busy(status: number, body: unknown = { error: 'busy' }): Reply {
  return reply(status, body, { 'retry-after': '0.05' });
}

/** What a route answers: a body for status 200, a `Reply`, or what a function makes of the request. */
export type Answer = Reply | string | number | object | ((asked: Asked) => unknown);

/** Answers by `METHOD /path/:name`. What no route takes is answered by 404. */
export type Routes = Record<string, Answer>;

/** Where both providers are, for scenarios whose data names them. */
export interface Places {
  url: string;
  other: string;
}

/** One run of the sync. */
export interface Run {
  /** Merged into the connection's metadata before it. */
  metadata?: object;
  /** The run is killed when this route is asked for the n-th time in it. */
  killedAt?: [route: string, n: number];
  /** The run is past its soft time limit, and so ends at its first checkpoint. */
  pastSoftLimit?: true;
  /** How it must end; `ok` without. */
  ends?: 'failed' | 'interrupted' | 'killed';
  /** What the message of a failed one must contain. */
  says?: string;
}

export interface Scenario {
  routes: Routes;
  /** A second origin, for base URLs and links that lead away from the connection's. */
  other?: Routes;
  /** The connection's metadata before the first run. */
  metadata?: object | ((places: Places) => object);
  /** The connection's configuration. */
  config?: object | ((places: Places) => object);
  /** The connection's token, which both sides send as `Authorization: Bearer`. */
  secret?: string;
  /** The provider's name, for the pagination of its template; otherwise one without any. */
  provider?: string;
  /** The runs; one that ends well without. */
  runs?: Run[];
  /** How many live records each model must have at the end, so that two empty hands are no success. */
  leaves: Record<string, number>;
  /** Request headers that must be the same too, in lower case. */
  headers?: string[];
  /** Times that are about now count as equal, because the two runs are not at one moment. */
  clock?: true;
  /** Requests may arrive in any order, because the sync sends several at once. */
  unordered?: true;
  /** Lines of the log must be the same too. */
  logs?: true;
}

/** Scenarios by the name of their sync. */
export type Scenarios = Record<string, Scenario>;

/** `count` items, made of their numbers from 1 on. */
export function rows<T>(count: number, make: (number: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index + 1));
}

/** The page of `items` at `offset`, which may be text. */
export function at<T>(items: T[], offset: unknown, size: unknown): T[] {
  const from = Number(offset ?? 0);
  return items.slice(from, from + Number(size));
}

/** A page of `items` by a cursor such as `c20`, and the next cursor, null at the end. */
export function cursored<T>(items: T[], cursor: unknown, size: number): { page: T[]; next: string | null } {
  const from = cursor ? Number(String(cursor).replace(/\D/g, '')) : 0;
  const end = from + size;
  return { page: items.slice(from, end), next: end < items.length ? `c${end}` : null };
}
