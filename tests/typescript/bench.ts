// What a sync costs as a component, beside the same sync on Node: the lowest memory cap it
// ends under, and CPU time for each page of a hundred records.
//
//   TIDEGATE_BIN=… node --import tsx bench.ts [words of a sync's name ...]
//
// The component's CPU is that of its run, guest and host calls together, compiled code at
// hand; Node's is that of the sync in a fresh process, its start and the SDK's left out.
// Rounds take turns and the median counts. Judge by the ratio: a busy machine slows both.

import { execFile, fork } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PAGES, PROVIDER } from './bench/provider.ts';
import { build } from './runner/build.ts';
import { run, type Settings } from './runner/component.ts';
import { bundle } from './runner/load.ts';
import { Provider } from './runner/provider.ts';

const HERE = import.meta.dirname;
const OUT = join(process.env['TIDEGATE_SUITE_OUT'] ?? join(HERE, '../../target/typescript-suite'), 'bench');
const ROUNDS = 5;
/** Caps that are tried, in steps of half a MiB. */
const CAP_KIB = { from: 2 * 1024, to: 32 * 1024, step: 512 };
/** The goals: a cap of 8 MiB, and at most one and a half times Node's CPU. */
const GOAL = { capMib: 8, ratio: 1.5 };

interface Figures {
  name: string;
  capMib: number;
  component: number;
  node: number;
  /** With the start of the process and the loading of Nango's SDK. */
  nodeWhole: number;
}

async function main(): Promise<void> {
  if (process.argv[2] === 'serve') return serve();
  const wanted = Object.keys(PAGES).filter((name) => process.argv.slice(2).every((word) => name.includes(word)));
  await rm(join(OUT, 'stores'), { recursive: true, force: true });
  await mkdir(join(OUT, 'stores'), { recursive: true });
  await build(join(HERE, 'bench'), undefined, OUT);
  await bundle('node', join(HERE, 'bench/node.ts'), OUT);
  const provider = fork(import.meta.filename, ['serve']);
  const url = await new Promise<string>((told) => provider.once('message', (url) => told(String(url))));
  console.log('\n| sync | lowest cap | CPU a page, component | CPU a page, Node | ratio | Node with its start |\n|---|---|---|---|---|---|');
  for (const name of wanted) row(await measure(name, url));
  console.log(`\ngoals: ${GOAL.capMib} MiB, ${GOAL.ratio}x`);
  provider.disconnect();
}

async function measure(name: string, url: string): Promise<Figures> {
  const file = await bundle(name, join(HERE, 'bench', `${name}.ts`), OUT);
  const pages = PAGES[name] ?? 1;
  const capMib = await lowestCap(name, url);
  const costs = { component: [] as number[], node: [] as number[], nodeWhole: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    costs.component.push((await asComponent(name, url, `round-${round}`)).cpuMicros / pages / 1000);
    const node = await onNode(file, url);
    costs.node.push(node.cpuMicros / pages / 1000);
    costs.nodeWhole.push(node.wholeMicros / pages / 1000);
  }
  return { name, capMib, component: median(costs.component), node: median(costs.node), nodeWhole: median(costs.nodeWhole) };
}

/** By bisection: the cap below it is too low. */
async function lowestCap(name: string, url: string): Promise<number> {
  let [low, high] = [CAP_KIB.from / CAP_KIB.step, CAP_KIB.to / CAP_KIB.step];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { ending } = await asComponent(name, url, `cap-${middle}`, `${middle * CAP_KIB.step}KiB`);
    if (ending.ended === 'ok') high = middle;
    else low = middle + 1;
  }
  return (low * CAP_KIB.step) / 1024;
}

async function asComponent(name: string, url: string, store: string, memory?: string) {
  const host = { program: process.env['TIDEGATE_BIN'] ?? 'tidegate', store: join(OUT, 'stores', `${name}-${store}`), integration: 'bench' };
  const settings: Settings = {
    wasm: join(OUT, `${name}.wasm`),
    baseUrl: url,
    allowed: [],
    config: {},
    metadata: undefined,
    pastSoftLimit: false,
    killed: new Promise(() => {}),
    log: false,
    ...(memory && { memory }),
  };
  return run(host, settings);
}

async function onNode(file: string, url: string): Promise<{ cpuMicros: number; wholeMicros: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(OUT, 'node.mjs'), file, url]);
  return JSON.parse(stdout) as { cpuMicros: number; wholeMicros: number };
}

/** The provider, in a process of its own so that its CPU is nobody's. */
async function serve(): Promise<void> {
  const provider = new Provider(PROVIDER);
  const { url } = await provider.start();
  process.once('disconnect', () => process.exit(0));
  process.send?.(url);
}

function row({ name, capMib, component, node, nodeWhole }: Figures): void {
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  const met = (isMet: boolean) => (isMet ? '' : ' (over the goal)');
  const ratio = component / node;
  const cells = [name, `${capMib} MiB${met(capMib <= GOAL.capMib)}`, ms(component), ms(node), `${ratio.toFixed(2)}${met(ratio <= GOAL.ratio)}`, ms(nodeWhole)];
  console.log(`| ${cells.join(' | ')} |`);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

await main();
