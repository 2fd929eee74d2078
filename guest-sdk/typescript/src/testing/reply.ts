/** What the mock provider answers, and what was asked of it. */
import type { RequestParts, TakenReply } from './imports.ts';

/** Where relative URLs go. */
export const BASE_URL = 'https://provider.test';

/** A response of the mock provider. */
export interface Reply {
  status: number;
  headers: [name: string, value: string][];
  body: Uint8Array;
  /** No response, but this error of the host's. */
  error?: { code: string; message: string; retryAfterMs?: number };
}

/** A 200, or another status, with this as JSON. */
export function json(body: unknown, options: { status?: number; headers?: Record<string, string> } = {}): Reply {
  return text(JSON.stringify(body), {
    ...options,
    headers: { 'content-type': 'application/json', ...options.headers },
  });
}

/** A 200, or another status, with this body. */
export function text(
  body: string | Uint8Array,
  options: { status?: number; headers?: Record<string, string> } = {},
): Reply {
  const headers = Object.entries(options.headers ?? {}).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value,
  ]);
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return { status: options.status ?? 200, headers, body: bytes };
}

/** An empty response with this status. */
export function status(code: number): Reply {
  return text('', { status: code });
}

/** No response, but an error such as `provider.timeout`. */
export function failure(code: string, message: string, retryAfterMs?: number): Reply {
  return { ...status(0), error: { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) } };
}

/** A request that a sync sent. */
export interface Sent {
  /** The method. */
  method: string;
  /** The path, or the URL without its query if it leads elsewhere than to the base URL. */
  path: string;
  /** The query parameters, decoded. */
  query: [name: string, value: string][];
  /** The headers that the sync set. */
  headers: Record<string, string>;
  /** The body as text, empty without one. */
  body: string;
  /** Tries after the first, where the sync said. */
  retries: number | undefined;
  /** Statuses to try again, where the sync said. */
  retryOn: number[] | undefined;
  /** Time for one exchange, where the sync said. */
  timeoutMs: number | undefined;
}

/** The request of these parts, its URL joined as the host does it. */
export function sentOf(parts: RequestParts, base: string): Sent {
  const url = joined(parts, base);
  for (const [name, value] of parts.query) url.searchParams.append(name, value);
  return {
    method: parts.method,
    path: pathOf(url, base),
    query: [...url.searchParams],
    headers: Object.fromEntries(parts.headers),
    body: new TextDecoder().decode(parts.body ?? new Uint8Array()),
    retries: parts.retries,
    retryOn: parts.retryOn,
    timeoutMs: parts.timeoutMs,
  };
}

function joined(parts: RequestParts, base: string): URL {
  const folder = parts.baseUrl ?? base;
  return new URL(parts.url, folder.endsWith('/') ? folder : `${folder}/`);
}

function pathOf(url: URL, base: string): string {
  return url.origin === new URL(base).origin ? url.pathname : url.origin + url.pathname;
}

/** The response as the SDK takes it. */
export function taken(reply: Reply, sent: Sent): TakenReply {
  const url = sent.path.startsWith('/') ? BASE_URL + sent.path : sent.path;
  return { status: reply.status, headers: reply.headers, body: reply.body, url };
}

/** A provider as a function; nothing for "404". */
export type Answer = (sent: Sent) => Reply | undefined;

interface Rule {
  path: string;
  query: [string, string][];
  queue: Reply[];
}

/** What answers what. */
export class Replies {
  readonly #rules: Rule[] = [];
  #otherwise: Answer = () => undefined;

  /** Answers requests to `url` with `reply`; the same `url` again, the next request. */
  push(url: string, reply: Reply): void {
    const [path = '', search = ''] = url.split('?');
    const query = [...new URLSearchParams(search)];
    const known = this.#rules.find(
      (rule) => rule.path === path && JSON.stringify(rule.query) === JSON.stringify(query),
    );
    if (known === undefined) this.#rules.push({ path, query, queue: [reply] });
    else known.queue.push(reply);
  }

  /** Answers every request that no rule fits. */
  otherwise(answer: Answer): void {
    this.#otherwise = answer;
  }

  /** The answer to a request: the rule with most parameters that fits, its last reply stays. */
  answer(sent: Sent): Reply {
    // Of rules with as many parameters the later one is taken.
    const fitting = this.#rules
      .toReversed()
      .filter((rule) => rule.path === sent.path && rule.query.every(([name, value]) => has(sent, name, value)))
      .sort((a, b) => b.query.length - a.query.length);
    const queue = fitting[0]?.queue;
    const reply = queue === undefined ? this.#otherwise(sent) : queue.length > 1 ? queue.shift() : queue[0];
    return (
      reply ??
      text(`the test host has no reply for ${sent.method} ${sent.path} with ${JSON.stringify(sent.query)}`, {
        status: 404,
      })
    );
  }
}

function has(sent: Sent, name: string, value: string): boolean {
  return sent.query.some(([known, its]) => known === name && its === value);
}
