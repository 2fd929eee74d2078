// Runs the suite: every sync of `syncs/` on Node with Nango's own classes and as a
// component, and compares what they leave.
//
//   node --import tsx run.ts [words of a sync's name ... | =its-whole-name ...]
//       --reference     only on Node: shows that the scenarios hold
//       --built DIR     takes the components from DIR and builds none
//
// TIDEGATE_BIN names the program; TIDEGATE_SUITE_OUT where bundles, components and stores go.

import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './runner/build.ts';
import { DIFFERENCES } from './runner/differences.ts';
import { bundle, load } from './runner/load.ts';
import { check, type Verdict } from './runner/check.ts';
import { print, tell } from './runner/table.ts';
import type { Scenario, Scenarios } from './runner/scenario.ts';

const HERE = import.meta.dirname;
const OUT = process.env['TIDEGATE_SUITE_OUT'] ?? join(HERE, '../../target/typescript-suite');
/** More would only take turns on a machine of CI's size. */
const AT_ONCE = Math.min(2, availableParallelism());

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { reference: { type: 'boolean', default: false }, built: { type: 'string' } },
});

async function main(): Promise<void> {
  const scenarios = await readScenarios();
  await checkReadme();
  const names = (await readSyncs(scenarios)).filter((name) => isWanted(name));
  await mkdir(join(OUT, 'stores'), { recursive: true });
  const started = Date.now();
  const isPart = positionals.length > 0;
  const components = values.reference ? undefined : (values.built ?? (await build(HERE, isPart ? names : undefined, join(OUT, 'components'))));
  const built = Date.now();
  const verdicts = await inTurns(names, async (name) => {
    const verdict = await one(name, scenarios[name] as Scenario, components);
    tell(verdict);
    return verdict;
  });
  print(verdicts, { builtMs: built - started, ranMs: Date.now() - built, isReferenceOnly: values.reference });
  process.exitCode = verdicts.every(({ problems }) => problems.length === 0) && names.length > 0 ? 0 : 1;
}

async function one(name: string, scenario: Scenario, components: string | undefined): Promise<Verdict> {
  try {
    const file = await bundle(name, join(HERE, 'syncs', `${name}.ts`), join(OUT, 'bundles'));
    const { models } = await load(file);
    const store = join(OUT, 'stores', name);
    await rm(store, { recursive: true, force: true });
    const wasm = components && join(components, `${name}.wasm`);
    return await check({ name, scenario, bundle: file, models: Object.keys(models), wasm, store });
  } catch (error) {
    return { name, runs: 0, problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  }
}

/** Scenarios of all files of `scenarios/`. */
async function readScenarios(): Promise<Scenarios> {
  const all: Scenarios = {};
  for (const file of await readdir(join(HERE, 'scenarios'))) {
    const module = (await import(join(HERE, 'scenarios', file))) as { default: Scenarios };
    for (const [name, scenario] of Object.entries(module.default)) {
      if (all[name]) throw new Error(`scenarios/${file}: there is another scenario ${name}`);
      all[name] = scenario;
    }
  }
  return all;
}

/** Names of all syncs; each must have a scenario, and a first line that says what it is for. */
async function readSyncs(scenarios: Scenarios): Promise<string[]> {
  const files = await readdir(join(HERE, 'syncs'));
  const names = files.map((file) => basename(file, '.ts')).sort();
  for (const name of names) {
    const text = await readFile(join(HERE, 'syncs', `${name}.ts`), 'utf8');
    if (!text.startsWith('// ')) throw new Error(`syncs/${name}.ts does not begin with a line that says what it is for`);
    if (!scenarios[name]) throw new Error(`syncs/${name}.ts has no scenario`);
  }
  const lonely = Object.keys(scenarios).filter((name) => !names.includes(name));
  if (lonely.length > 0) throw new Error(`scenarios without a sync: ${lonely.join(', ')}`);
  return names;
}

/** The table of differences in README.md must be that of `differences.ts`. */
async function checkReadme(): Promise<void> {
  const readme = await readFile(join(HERE, 'README.md'), 'utf8');
  const lacking = DIFFERENCES.map(({ sync, why }) => `| \`${sync}\` | ${why} |`).filter((row) => !readme.includes(row));
  if (lacking.length > 0) throw new Error(`README.md lacks these rows of the differences:\n${lacking.join('\n')}`);
}

/** Without words all are wanted, otherwise those with any of the words in their name; `=` before a whole one. */
function isWanted(name: string): boolean {
  return positionals.length === 0 || positionals.some((word) => (word.startsWith('=') ? name === word.slice(1) : name.includes(word)));
}

async function inTurns<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

await main();
