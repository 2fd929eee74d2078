// A sync as a component: run by the real `tidegate` program into a store of its own, and
// what it left read back by the same program.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Ending } from './reference.ts';
import type { Json, JsonObject } from './cache.ts';

/** The program, and the store and connection that it works on. */
export interface Host {
  program: string;
  store: string;
  integration: string;
}

/** A run as the program reports it, as far as it is looked at. */
interface Report {
  id: string;
  state: 'running' | { ended: { state: string; error?: { code: string; message: string } } };
  checkpoint_after: string | null;
  usage: { memory_peak_bytes: number; cpu_us: number };
}

/** How a run ended, and what it used. */
export interface Ran {
  ending: Ending;
  checkpoint: JsonObject | null;
  /** Of the whole run, the instantiation included. */
  cpuMicros: number;
  peakBytes: number;
}

/** How a run is started. */
export interface Settings {
  wasm: string;
  baseUrl: string;
  /** Origins beside the base URL's that it may reach. */
  allowed: string[];
  config: object;
  metadata: object | undefined;
  pastSoftLimit: boolean;
  memory?: string;
  /** Settled when the run is to be killed. */
  killed: Promise<void>;
  /** The connection's token. */
  secret?: string | undefined;
  log: boolean;
}

/** A run that takes longer is stuck: none here takes more than a few seconds. */
const PATIENCE_MS = 120_000;

const CONNECTION = 'acme';

/** The variable in which the program finds the connection's token. */
const SECRET = 'SUITE_TOKEN';

/** Runs the component for the connection. */
export async function run(host: Host, settings: Settings): Promise<Ran> {
  const child = start(host, ['run', settings.wasm, ...flags(settings)], settings.secret);
  let isKilled = false;
  void settings.killed.then(() => {
    isKilled = true;
    child.process.kill('SIGKILL');
  });
  const { stdout, stderr } = await child.ended;
  if (isKilled) return { ending: { ended: 'killed', message: '', log: [] }, checkpoint: null, cpuMicros: 0, peakBytes: 0 };
  const report = lines<Report>(stdout)[0];
  if (!report?.state || report.state === 'running') throw new Error(`tidegate run said: ${stdout}${stderr}`);
  const { state, error } = report.state.ended;
  const ended = state === 'success' ? 'ok' : state === 'interrupted' ? 'interrupted' : 'failed';
  const message = error ? `${error.code}: ${error.message}` : '';
  const log = settings.log ? await readLog(host, report.id, error?.code) : [];
  return {
    ending: { ended, message, log },
    checkpoint: report.checkpoint_after === null ? null : (JSON.parse(report.checkpoint_after) as JsonObject),
    cpuMicros: report.usage.cpu_us,
    peakBytes: report.usage.memory_peak_bytes,
  };
}

function flags(settings: Settings): string[] {
  const flags = ['--json', '--base-url', settings.baseUrl, '--config', JSON.stringify(settings.config)];
  for (const origin of settings.allowed) flags.push('--allow-host', new URL(origin).host, '--allow-http');
  if (settings.metadata) flags.push('--metadata', JSON.stringify(settings.metadata));
  if (settings.pastSoftLimit) flags.push('--time-soft', '0s');
  if (settings.secret) flags.push('--bearer-env', SECRET);
  if (settings.memory) flags.push('--memory', settings.memory);
  return flags;
}

/** The live records of a model by id, and the ids of the deleted ones. */
export async function records(host: Host, model: string): Promise<{ live: [string, JsonObject][]; deleted: string[] }> {
  const { stdout } = await start(host, ['records', model, '--all', '--json']).ended;
  const changes = lines<{ id?: string; action: string; record: JsonObject }>(stdout).filter(({ id }) => id !== undefined);
  const live = changes.filter(({ action }) => action !== 'DELETED');
  const deleted = changes.filter(({ action }) => action === 'DELETED');
  return {
    live: live.map(({ id, record }): [string, JsonObject] => [String(id), record]).sort((a, b) => (a[0] < b[0] ? -1 : 1)),
    deleted: deleted.map(({ id }) => String(id)).sort(),
  };
}

/** The connection's metadata. */
export async function metadata(host: Host): Promise<Json> {
  const { stdout } = await start(host, ['metadata', '--json']).ended;
  return JSON.parse(stdout) as Json;
}

/** The sync's own lines: not the host's of requests, nor of the error that ended the run. */
async function readLog(host: Host, id: string, code: string | undefined): Promise<[string, string][]> {
  const { stdout } = await ended(host.program, ['runs', id, '--json', '--store', host.store]).ended;
  const { log } = JSON.parse(stdout) as { log: { level: string; message: string; exchange?: object }[] };
  const own = log.filter(({ exchange, message }) => !exchange && !message.startsWith(`${code}: `));
  return own.map(({ level, message }) => [level, message]);
}

function start(host: Host, args: string[], secret = ''): ReturnType<typeof ended> {
  const connection = ['--store', host.store, '--connection', CONNECTION, '--integration', host.integration];
  return ended(host.program, [...args, ...connection], secret);
}

function ended(program: string, args: string[], secret = ''): { process: ChildProcess; ended: Promise<{ stdout: string; stderr: string }> } {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEGATE_'));
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    env: { ...Object.fromEntries(environment), NO_COLOR: '1', [SECRET]: secret },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = new Promise<typeof said>((done, fail) => {
    child.on('error', fail);
    child.on('close', () => done(said));
  });
  return { process: child, ended };
}

function lines<T>(text: string): T[] {
  return text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as T);
}
