/** `fetch` in the engine, through the host's gate, against a server of our own. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { bundle } from './bundle.ts';
import { noProgram } from '../program.ts';
import { DESCRIBE, runInEngine } from './engine.ts';

/** Name, body of an async function with `base`, and what it gives. */
const ROWS: [name: string, body: string, outcome: unknown][] = [
  ['JSON', `const r = await fetch(base + '/json'); return [r.ok, r.status, r.statusText, r.headers.get('Content-Type'), await r.json(), r.bodyUsed]`, [true, 200, 'OK', 'application/json', { a: [1, 'ä'] }, true]],
  ['a relative URL', `return (await fetch('/json')).url.endsWith('/json')`, true],
  ['bytes', `return [...await (await fetch(base + '/bytes')).bytes()]`, [0, 255, 195]],
  ['a status that is no success', `const r = await fetch(base + '/status/404'); return [r.ok, r.status, await r.text()]`, [false, 404, 'status']],
  ['a failing server is asked once', `await fetch(base + '/status/503'); return (await (await fetch(base + '/count')).json())`, 1],
  [
    'a POST of JSON',
    `const r = await fetch(base + '/echo', { method: 'post', headers: { 'content-type': 'application/json', 'X-Own': 'y' }, body: JSON.stringify({ b: 'ü' }) }); return r.json()`,
    { method: 'POST', type: 'application/json', own: 'y', body: '{"b":"ü"}' },
  ],
  [
    'a form',
    `return (await fetch(base + '/echo', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })).json()`,
    { method: 'POST', type: 'application/x-www-form-urlencoded;charset=UTF-8', body: 'a=b+c' },
  ],
  ['a Request', `return (await (await fetch(new Request(base + '/echo', { method: 'PUT', body: 'x' }))).json()).body`, 'x'],
  ['a DELETE without a body', `return (await (await fetch(base + '/echo', { method: 'DELETE' })).json()).body`, ''],
  ['two at once', `const [a, b] = await Promise.all([fetch(base + '/json'), fetch(base + '/bytes')]); return [a.status, b.status]`, [200, 200]],
  ['a host that is not allowed', `try { await fetch('https://other.example/'); } catch (e) { return [e.name, e.message, e.cause.code] }`, ['TypeError', 'fetch failed', 'egress.denied']],
  ['aborted before', `try { await fetch(base, { signal: AbortSignal.abort('no') }); } catch (e) { return e }`, 'no'],
  ['a timeout', `try { await fetch(base + '/never', { signal: AbortSignal.timeout(100) }); } catch (e) { return e.name }`, 'TimeoutError'],
];

let failures = 0;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '', method, headers } = request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (url === '/never') return;
  if (url === '/status/503') failures++;
  if (url.startsWith('/status/')) response.writeHead(Number(url.slice(8))).end('status');
  else if (url === '/json') response.setHeader('content-type', 'application/json').end('{"a":[1,"ä"]}');
  else if (url === '/bytes') response.end(Buffer.from([0, 255, 195]));
  else if (url === '/count') response.end(String(failures));
  else {
    const body = Buffer.concat(chunks).toString();
    response.end(JSON.stringify({ method, type: headers['content-type'], own: headers['x-own'], body }));
  }
}

test('fetch in the engine', { skip: noProgram }, async (context) => {
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}`;
  const source = `
    ${DESCRIBE}
    import { emit } from 'tidegate:sync/log@0.1.0';
    import { loop } from '../../src/web/loop.ts';
    const base = ${JSON.stringify(base)};
    const rows = [${ROWS.map(([, body]) => `async () => { ${body} }`).join(',\n')}];
    export async function run() {
      for (const row of rows) {
        const outcome = await row().catch((error) => 'throws ' + error + ' ' + error.cause);
        emit('info', '=' + JSON.stringify(outcome ?? null), '');
      }
      loop.ended = true;
    }`;
  try {
    const options = ['--base-url', base, '--allow-http', '--allow-host', `127.0.0.1:${port}`];
    const { log } = await runInEngine(await bundle(source, 'engine'), options);
    const seen = log.filter((line) => line.startsWith('info =')).map((line) => JSON.parse(line.slice(6)) as unknown);
    for (const [at, [name, , outcome]] of ROWS.entries()) {
      await context.test(name, () => assert.deepEqual(seen[at], outcome));
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
