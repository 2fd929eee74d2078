// The provider of a scenario: a real HTTP server that plays its routes and keeps what it
// was asked. The same server, started anew in its mind, serves the reference and then the
// component, so that URLs in the data are the same for both.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Asked, type Places, Reply, type Routes, type Scenario } from './scenario.ts';

/** A request as it is compared. */
export interface Seen {
  method: string;
  path: string;
  /** Decoded pairs, in their order. */
  query: [string, string][];
  contentType?: string;
  body?: unknown;
  headers?: Record<string, string | undefined>;
}

interface Route {
  key: string;
  method: string;
  parts: string[];
  answer: unknown;
}

export class Provider {
  /** What was asked in the present run. */
  seen: Seen[] = [];
  /** Called when the request at which the run is to be killed has come; it is never answered. */
  onKill: () => void = () => {};
  #scenario: Scenario;
  #servers: Server[] = [];
  #places: Places = { url: '', other: '' };
  #run = 0;
  #counts = new Map<string, number>();
  #held: ServerResponse[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  async start(): Promise<Places> {
    const url = await this.#listen(this.#scenario.routes);
    const other = this.#scenario.other ? await this.#listen(this.#scenario.other) : '';
    this.#places = { url, other };
    return this.#places;
  }

  async stop(): Promise<void> {
    this.letGo();
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  /** Begins run `number` with nothing asked. */
  begin(number: number): void {
    this.#run = number;
    this.#counts.clear();
    this.seen = [];
  }

  /** Drops the connections whose requests are never answered. */
  letGo(): void {
    for (const response of this.#held.splice(0)) response.destroy();
  }

  async #listen(routes: Routes): Promise<string> {
    const table = Object.entries(routes).map(([key, answer]) => route(key, answer));
    const server = createServer((request, response) => void this.#serve(table, request, response));
    this.#servers.push(server);
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async #serve(table: Route[], request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await read(request);
    const url = new URL(request.url ?? '/', 'http://provider');
    const method = request.method ?? '';
    const found = table.find((row) => row.method === method && match(row.parts, url.pathname));
    this.seen.push(this.#noted(request, url, text));
    if (!found) return send(response, new Reply(404, { error: `no route ${method} ${url.pathname}` }, {}));
    const n = (this.#counts.get(found.key) ?? 0) + 1;
    this.#counts.set(found.key, n);
    const cut = this.#scenario.runs?.[this.#run - 1]?.killedAt;
    if (cut && cut[0] === found.key && cut[1] === n) {
      this.#held.push(response);
      return this.onKill();
    }
    const asked: Asked = {
      run: this.#run,
      n,
      method,
      path: url.pathname,
      params: match(found.parts, url.pathname) ?? {},
      query: url.searchParams,
      headers: request.headers,
      body: parsed(text),
      ...this.#places,
    };
    const answer = typeof found.answer === 'function' ? found.answer(asked) : found.answer;
    send(response, answer instanceof Reply ? answer : new Reply(200, answer, {}));
  }

  #noted(request: IncomingMessage, url: URL, text: string): Seen {
    const seen: Seen = { method: request.method ?? '', path: url.pathname, query: [...url.searchParams] };
    if (text !== '') {
      seen.contentType = request.headers['content-type']?.toLowerCase();
      seen.body = parsed(text);
    }
    const named = this.#scenario.headers;
    if (named) seen.headers = Object.fromEntries(named.map((name) => [name, request.headers[name]?.toString()]));
    return seen;
  }
}

function route(key: string, answer: unknown): Route {
  const [method, path] = key.split(' ') as [string, string];
  return { key, method, parts: path.split('/'), answer };
}

/** What stands in the path's `:names`, or nothing if it is another path. */
function match(parts: string[], path: string): Record<string, string> | undefined {
  const given = path.split('/');
  if (given.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = decodeURIComponent(value);
    else if (part !== value) return undefined;
  }
  return params;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  const isText = typeof body === 'string';
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(isText || Buffer.isBuffer(body) ? body : JSON.stringify(body));
}
