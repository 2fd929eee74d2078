/**
 * Rows: named pieces of code whose outcome is compared between Node's own globals and
 * ours, on Node and in the real engine. A rows module has nothing but `rows`.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle, type Target } from './bundle.ts';
import { noProgram } from '../program.ts';
import { DESCRIBE, runInEngine } from './engine.ts';
import { messageOf } from './worker.ts';

/** What a row is called, and what gives its outcome. */
export type Row = readonly [name: string, outcome: () => unknown];

/** Outcomes as text, by the row's name. */
export type Outcomes = Record<string, string>;

/** Characters of outcomes in one line of the run's log, which holds 8 KiB. */
const LINE_CHARACTERS = 2_000;

/** What a line of outcomes starts with. */
const PART = 'info =';

/** Tests that the rows of these modules of `rows/` come out alike everywhere. */
export function testRows(files: readonly string[]): void {
  const oracles = new Map(files.map((file) => [file, onNode(file, 'node')]));
  for (const file of files) {
    test(`${file}: ours on Node`, async () => {
      compare(await onNode(file, 'node with ours'), await oracles.get(file)!);
    });
  }
  test('ours in the engine', { skip: noProgram }, async (context) => {
    const outcomes = await inEngine(files);
    for (const file of files) {
      await context.test(file, async () => compare(outcomes[file]!, await oracles.get(file)!));
    }
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

/** Runs the rows in a worker of their own: some of our modules change prototypes. */
async function onNode(file: string, target: Target): Promise<Outcomes> {
  const text = await bundle(
    `${source(file)}
    import { parentPort } from 'node:worker_threads';
    globalThis.host = {
      emit() {},
      sleep() {},
      getRandomBytes: (length) => Uint8Array.from({ length }, () => Math.random() * 256),
    };
    parentPort.postMessage(await outcomes());`,
    target,
  );
  return (await messageOf(text)) as Outcomes;
}

/** Runs the rows of all modules in one component. */
async function inEngine(files: readonly string[]): Promise<Record<string, Outcomes>> {
  const imports = files.map((file, at) => `import { outcomes as from${at} } from 'rows:${file}';`);
  const calls = files.map((file, at) => `${JSON.stringify(file)}: await from${at}(),`);
  const text = await bundle(
    `${imports.join('\n')}
    ${DESCRIBE}
    import { emit } from 'tidegate:sync/log@0.1.0';
    export async function run() {
      const text = JSON.stringify({ ${calls.join(' ')} });
      const escaped = text.replace(/[^ -~]/g, (each) => '\\\\u' + each.charCodeAt(0).toString(16).padStart(4, '0'));
      for (let at = 0; at < escaped.length; at += ${LINE_CHARACTERS}) {
        emit('info', '=' + escaped.slice(at, at + ${LINE_CHARACTERS}), '');
      }
    }`,
    'engine',
    (file) => source(file),
  );
  const { log } = await runInEngine(text);
  const parts = log.filter((line) => line.startsWith(PART)).map((line) => line.slice(PART.length));
  return JSON.parse(parts.join('')) as Record<string, Outcomes>;
}
