/** Bytes that each global and each Node module brings into a bundle, and that none brings more than it may. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GLOBALS, PROTOTYPE_METHODS } from '../../src/web/globals.ts';
import { NODE_MODULES } from '../../src/web/node.ts';
import { bundle } from './bundle.ts';

/** Most minified bytes of one of them with all that it needs: a sync is to stay small. */
const MAX_BYTES = 45_000;

/** Source that refers to one of them, by its name in the table. */
const SOURCES: [name: string, source: string][] = [
  ...Object.keys(GLOBALS).map((name): [string, string] => [name, `export const x = ${name};`]),
  ...Object.keys(PROTOTYPE_METHODS).map((name): [string, string] => [`.${name}`, `export const x = (y) => y.${name}();`]),
  ...Object.keys(NODE_MODULES).map((name): [string, string] => [`node:${name}`, `import x from 'node:${name}'; export { x };`]),
];

async function sizeOf(source: string, isMinified: boolean): Promise<number> {
  return (await bundle(source, 'engine', () => '', isMinified)).length;
}

test('nothing is there unless it is referred to', async () => {
  const source = 'export const x = { URL: 1 }; export function y(console) { return console.log; }';
  const text = await bundle(source, 'engine');
  assert.ok(text.length < 2 * source.length, text);
});

test('what each brings', async (context) => {
  for (const [name, source] of SOURCES) {
    const [plain, minified] = [await sizeOf(source, false), await sizeOf(source, true)];
    context.diagnostic(`${name.padEnd(24)} ${String(plain).padStart(7)} bytes, ${String(minified).padStart(6)} minified`);
    assert.ok(minified <= MAX_BYTES, `${name} brings ${minified} bytes`);
  }
});
