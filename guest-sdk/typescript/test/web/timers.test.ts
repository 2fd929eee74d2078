/** Timers in an engine without an event loop: what fires when, and how long the host sleeps. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from './bundle.ts';
import { noProgram } from '../program.ts';
import { DESCRIBE, runInEngine } from './engine.ts';
import { messageOf } from './worker.ts';

/** Name, body of an async function that gives its outcome, the outcome, and the sleep it costs. */
const ROWS: [name: string, body: string, outcome: unknown, sleptMs: number][] = [
  ['a timeout can be awaited', `await new Promise((r) => setTimeout(r, 50)); return 'done'`, 'done', 50],
  ['its arguments', `return new Promise((r) => setTimeout((...all) => r(all), 1, 'a', 2))`, ['a', 2], 1],
  ['one after the other', `for (let i = 0; i < 4; i++) await new Promise((r) => setTimeout(r, 20)); return 4`, 4, 80],
  [
    'in order of time, then of start',
    `const seen = [];
    setTimeout(() => seen.push('20a'), 20); setTimeout(() => seen.push('10'), 10); setTimeout(() => seen.push('20b'), 20);
    setImmediate(() => seen.push('immediate')); setTimeout(() => seen.push('none')); queueMicrotask(() => seen.push('micro'));
    await new Promise((r) => setTimeout(r, 30)); return seen`,
    ['micro', 'immediate', 'none', '10', '20a', '20b'], 30,
  ],
  [
    'cleared ones do not fire',
    `const seen = []; const a = setTimeout(() => seen.push('a'), 5); const b = setTimeout(() => seen.push('b'), 5);
    clearTimeout(a); clearTimeout(Number(b)); clearTimeout(undefined); clearTimeout(null);
    await new Promise((r) => setTimeout(r, 10)); return seen`,
    [], 10,
  ],
  [
    'an interval',
    `let count = 0; await new Promise((r) => { const t = setInterval(() => { if (++count === 3) { clearInterval(t); r(); } }, 10); }); return count`,
    3, 30,
  ],
  [
    'work wins a race against a timeout, and nobody sleeps',
    `const work = async () => { for (let i = 0; i < 500; i++) await i; return 'work'; };
    return Promise.race([work(), new Promise((r) => setTimeout(() => r('late'), 60000))])`,
    'work', 0,
  ],
  [
    'a timeout wins a race against what never ends',
    `return Promise.race([new Promise(() => {}), new Promise((r) => setTimeout(() => r('late'), 40))])`,
    'late', 40,
  ],
  [
    'a promise in a timer comes before the next timer',
    `const seen = [];
    setTimeout(async () => { seen.push(1); await null; await null; seen.push(2); }, 1); setTimeout(() => seen.push(3), 2);
    await new Promise((r) => setTimeout(r, 5)); return seen`,
    [1, 2, 3], 5,
  ],
  ['what is no delay is one millisecond', `for (const ms of [undefined, NaN, -5, 2 ** 31, 'x']) await new Promise((r) => setTimeout(r, ms)); return 1`, 1, 5],
  ['refresh', `let at = 0; const t = setTimeout(() => at++, 10); t.refresh(); await new Promise((r) => setTimeout(r, 20)); return [at, t.hasRef()]`, [1, false], 20],
  ['timers/promises', `return Promise.all([wait(10, 'a'), wait(5, 'b')])`, ['a', 'b'], 10],
  [
    'an abort ends a wait',
    `const c = new AbortController(); setTimeout(() => c.abort('stop'), 5);
    return wait(60000, null, { signal: c.signal }).catch((reason) => reason)`,
    'stop', 5,
  ],
  ['an error in a timer does not stop the others', `setTimeout(() => { throw new Error('oops'); }, 1); return new Promise((r) => setTimeout(() => r('on'), 5))`, 'on', 5],
  ['no function', `try { setTimeout('code'); } catch (error) { return error.name; }`, 'TypeError', 0],
];

const SOURCE = `
  import { setTimeout as wait } from 'node:timers/promises';
  import { loop } from '../../src/web/loop.ts';
  const rows = [${ROWS.map(([, body]) => `async () => { ${body} }`).join(',\n')}];
  async function outcomes(slept) {
    const all = [];
    for (const row of rows) {
      const before = slept();
      all.push([await row(), slept() - before]);
      // As at the end of a run: what is left, such as a timeout that lost, must not fire.
      loop.ended = true;
      for (let turn = 0; turn < 5000; turn++) await undefined;
      loop.ended = false;
    }
    return all;
  }`;

test('timers with a clock of our own', async (context) => {
  const text = await bundle(
    `${SOURCE}
    import { parentPort } from 'node:worker_threads';
    let time = 1000;
    let slept = 0;
    Object.defineProperty(globalThis, 'performance', { value: { now: () => time } });
    globalThis.host = { emit() {}, sleep(ms) { time += ms; slept += ms; } };
    parentPort.postMessage(await outcomes(() => slept));`,
    'node with ours',
  );
  const seen = (await messageOf(text)) as [unknown, number][];
  for (const [at, [name, , outcome, sleptMs]] of ROWS.entries()) {
    await context.test(name, () => assert.deepEqual(seen[at], [outcome, sleptMs]));
  }
});

test('timers in the engine', { skip: noProgram }, async (context) => {
  const text = await bundle(
    `${SOURCE}
    ${DESCRIBE}
    import { emit } from 'tidegate:sync/log@0.1.0';
    export async function run() {
      for (const [outcome] of await outcomes(() => 0)) emit('info', '=' + JSON.stringify(outcome), '');
      loop.ended = true;
    }`,
    'engine',
  );
  const { log } = await runInEngine(text);
  const seen = log.filter((line) => line.startsWith('info =')).map((line) => JSON.parse(line.slice(6)) as unknown);
  for (const [at, [name, , outcome]] of ROWS.entries()) {
    await context.test(name, () => assert.deepEqual(seen[at], outcome));
  }
  assert.ok(log.includes("error A timer's function threw: Error: oops"), log.join('\n'));
});
