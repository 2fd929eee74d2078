/** Random text as a URL: ours and Node's take it apart alike. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from './bundle.ts';
import { messageOf } from './worker.ts';

const TEXTS = 5_000;

/**
 * Pieces of URLs. Not among them, because the standard has changed since Node 20: "^", which
 * is now encoded in paths, and schemes without hosts, whose spaces at the end are now too.
 * Nor are hosts outside ASCII, which a sync refuses.
 */
const PIECES = [
  'http:', 'https:', 'ftp:', 'file:', '/', '//', '///', '\\', '?', '#', '@', ':', '.', '..', '%2e', '%', '%41',
  'a', 'B', 'example.com', '[::1]', '[1:2::3.4.5.6]', '127.1', '0x7f', '1e3', '8080', '443', '80', ' ', '\t', '\n', '&', '=', '+', ';', ',', "'", '"', '<', '|', '~', '-', '_', '*',
];

const source = `
  const pieces = ${JSON.stringify(PIECES)};
  const names = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];
  let state = 1;
  const below = (bound) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor((state / 2 ** 32) * bound); };
  const some = () => Array.from({ length: 1 + below(9) }, () => pieces[below(pieces.length)]).join('');
  const apart = (url) => [...names.map((name) => url[name]), ...[...url.searchParams].flat()];
  function row(at) {
    const text = (at % 2 ? 'https://' : '') + some();
    const base = at % 3 ? undefined : 'https://base.example/a/b?c#d';
    try {
      const url = new URL(text, base);
      const name = names[below(names.length - 2) + 2];
      const before = apart(url);
      url[name] = some();
      return [text, base, before, name, apart(url)];
    } catch (error) { return [text, base, error.name]; }
  }
  import { parentPort } from 'node:worker_threads';
  parentPort.postMessage(Array.from({ length: ${TEXTS} }, (_, at) => row(at)));`;

test('random URLs', async (context) => {
  const [expected, actual] = (await Promise.all([
    messageOf(await bundle(source, 'node')),
    messageOf(await bundle(source, 'node with ours')),
  ])) as [unknown[][], unknown[][]];
  const different = expected.flatMap((row, at) =>
    JSON.stringify(row) === JSON.stringify(actual[at]) ? [] : [`${JSON.stringify(actual[at])}\nnot ${JSON.stringify(row)}`],
  );
  const taken = expected.filter((row) => row.length > 3).length;
  context.diagnostic(`${taken} of ${TEXTS} are URLs; ${different.length} come out otherwise`);
  assert.ok(taken > TEXTS / 4);
  assert.deepEqual(different.slice(0, 10), []);
});
