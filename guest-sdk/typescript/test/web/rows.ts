/**
 * Rows: named pieces of code whose outcome is compared between Node's own globals and
 * ours, on Node and in the real engine. A rows module has nothing but `rows`.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { bundle, type Target } from './bundle.ts';
import { DESCRIBE, noEngine, runInEngine } from './engine.ts';

/** What a row is called, and what gives its outcome. */
export type Row = readonly [name: string, outcome: () => unknown];

/** Outcomes as text, by the row's name. */
export type Outcomes = Record<string, string>;

/** Characters of outcomes in one line of the run's log, which holds 8 KiB. */
const LINE_CHARACTERS = 2_000;

/** What a line of outcomes starts with. */
const PART = 'info =';

/** Tests that the rows of a module of `rows/` come out alike everywhere. */
export function testRows(file: string): void {
  let expected: Promise<Outcomes> | undefined;
  const oracle = () => (expected ??= onNode(file, 'node'));
  test(`${file}: ours on Node`, async () => {
    compare(await onNode(file, 'node with ours'), await oracle());
  });
  test(`${file}: ours in the engine`, { skip: noEngine }, async () => {
    compare(await inEngine(file), await oracle());
  });
}

function compare(actual: Outcomes, expected: Outcomes): void {
  const names = Object.keys(expected);
  assert.notEqual(names.length, 0);
  assert.deepEqual(Object.keys(actual), names);
  const different = names.filter((name) => actual[name] !== expected[name]);
  const lines = different.map((name) => `${name}\n  is    ${actual[name]}\n  not   ${expected[name]}`);
  assert.equal(different.length, 0, `${different.length} rows differ:\n${lines.join('\n')}`);
}

/** A module that exports `outcomes`, a function that runs the rows of `file`. */
function source(file: string): string {
  return `
    import { rows } from './rows/${file}';
    import { show } from './show.ts';
    export async function outcomes() {
      const all = {};
      for (const [name, outcome] of rows) {
        if (name in all) throw new Error('two rows are called ' + name);
        try { all[name] = show(await outcome()); }
        catch (error) { all[name] = 'throws ' + (error?.name ?? show(error)); }
      }
      return all;
    }`;
}

async function onNode(file: string, target: Target): Promise<Outcomes> {
  return (await load(await bundle(source(file), target))).outcomes();
}

/** Imports a bundle on Node. A file, because a data URL shows in every stack. */
export async function load(text: string): Promise<{ outcomes: () => Promise<Outcomes> }> {
  const path = join(tmpdir(), `tidegate-web-${randomUUID()}.mjs`);
  await writeFile(path, text);
  try {
    return await import(pathToFileURL(path).href);
  } finally {
    await rm(path);
  }
}

async function inEngine(file: string): Promise<Outcomes> {
  const text = await bundle(
    `${source(file)}
    ${DESCRIBE}
    import { emit } from 'tidegate:sync/log@0.1.0';
    export async function run() {
      const text = JSON.stringify(await outcomes());
      const escaped = text.replace(/[^ -~]/g, (each) => '\\\\u' + each.charCodeAt(0).toString(16).padStart(4, '0'));
      for (let at = 0; at < escaped.length; at += ${LINE_CHARACTERS}) {
        emit('info', '=' + escaped.slice(at, at + ${LINE_CHARACTERS}), '');
      }
    }`,
    'engine',
  );
  const { log } = await runInEngine(text);
  const parts = log.filter((line) => line.startsWith(PART)).map((line) => line.slice(PART.length));
  return JSON.parse(parts.join('')) as Outcomes;
}
