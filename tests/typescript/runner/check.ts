// Holds one sync to its scenario, and its component to what it does on Node.

import { differences } from './compare.ts';
import { DIFFERENCES } from './differences.ts';
import { asComponent, onNode, runsOf, type State } from './play.ts';
import { Provider } from './provider.ts';
import type { Scenario } from './scenario.ts';

/** A sync, ready to be run. */
export interface Subject {
  name: string;
  scenario: Scenario;
  /** Its bundle for Node. */
  bundle: string;
  /** Its models. */
  models: string[];
  /** Its component; without one only Node is looked at. */
  wasm: string | undefined;
  /** Folder for its store. */
  store: string;
}

/** What came of it. */
export interface Verdict {
  name: string;
  runs: number;
  /** What is not as it must be; nothing where all is. */
  problems: string[];
}

/** Plays the scenario on both sides. */
export async function check(subject: Subject): Promise<Verdict> {
  const { name, scenario } = subject;
  const provider = new Provider(scenario);
  const places = await provider.start();
  try {
    const node = await onNode(scenario, provider, places, subject.bundle);
    const problems = unlike(scenario, node);
    if (problems.length === 0 && subject.wasm) {
      const program = process.env['TIDEGATE_BIN'] ?? 'tidegate';
      const host = { program, store: subject.store, integration: '' };
      const component = await asComponent(scenario, provider, places, subject.wasm, host, subject.models);
      problems.push(...compared(name, scenario, node, component));
    }
    return { name, runs: runsOf(scenario).length, problems };
  } finally {
    await provider.stop();
  }
}

/** Where the reference is not as the scenario says: then the scenario is wrong. */
function unlike(scenario: Scenario, node: State[]): string[] {
  const problems: string[] = [];
  for (const [index, run] of runsOf(scenario).entries()) {
    const state = node[index] as State;
    const ends = run.ends ?? (run.killedAt ? 'killed' : 'ok');
    if (state.ended !== ends) problems.push(`run ${index + 1} on Node: ${state.ended}, not ${ends}: ${state.message}`);
    if (run.says && !state.message.includes(run.says)) problems.push(`run ${index + 1} on Node says ${state.message}`);
  }
  const left = Object.entries(node.at(-1)?.records ?? {}).map(([model, live]) => [model, Object.keys(live).length]);
  const expected = { ...scenario.leaves };
  return [...problems, ...differences(expected, Object.fromEntries(left), {}).map((line) => `left on Node: ${line} (expected first)`)];
}

function compared(name: string, scenario: Scenario, node: State[], component: State[]): string[] {
  const known = DIFFERENCES.filter(({ sync }) => sync === name);
  const expected = known.reduce((states, row) => row.component(structuredClone(states)), node);
  const problems = between(scenario, expected, component);
  for (const row of known) {
    const without = row.component(structuredClone(node));
    if (between(scenario, node, without).length === 0) problems.push(`a row of differences.ts changes nothing: ${row.why}`);
  }
  return problems;
}

function between(scenario: Scenario, node: State[], component: State[]): string[] {
  return runsOf(scenario).flatMap((run, index) => {
    const [expected, found] = [node[index] as State, component[index] as State];
    const says = run.says && !found.message.includes(run.says) ? [`message: lacks ${JSON.stringify(run.says)}: ${found.message}`] : [];
    const failed = expected.ended === 'ok' && found.ended === 'failed' ? [`message: ${found.message}`] : [];
    const lines = differences(compact(scenario, expected), compact(scenario, found), { clock: scenario.clock ?? false });
    return [...lines, ...says, ...failed].map((line) => `run ${index + 1}: ${line}`);
  });
}

/** The state without its message, which is looked at by its words only. */
function compact(scenario: Scenario, state: State): object {
  const { message: _, requests, ...rest } = state;
  const order = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  return { ...rest, requests: scenario.unordered ? [...requests].sort(order) : requests };
}
