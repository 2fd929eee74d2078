/**
 * The manifest of a sync: its module is loaded once on Node, with a host that refuses
 * every call, and its definition is written down under `wit/manifest.schema.json`.
 */

import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readFile } from 'node:fs/promises';
import { marked, mentioned } from '../web/globals.ts';
import { isVirtual } from './authors.ts';
import { bundle, type Bundle } from './bundle.ts';
import { BuildError, failure, type Place } from './messages.ts';
import { GUEST, isWithin, PACKAGE_SOURCES } from './paths.ts';
import { placeOfKey } from './definition.ts';
import { lackHint, unmarked, type Platform } from './platform.ts';
import { placeInStack } from './source-map.ts';
import { partsIn, type ZodParts } from './zod.ts';
import type { Entry } from './entries.ts';
import type { Project } from './project.ts';

/** A manifest as the contract has it; only what the build itself reads is named. */
export interface Manifest {
  name: string;
  [key: string]: unknown;
}

/** What was learnt of a sync by loading it. */
export interface Described {
  manifest: Manifest;
  bundle: Bundle;
  /** What of `src/web` it refers to. */
  platform: Platform;
  /** What it needs of zod when it runs. */
  zod: ZodParts;
}

/** How long a sync's top-level code may take, in milliseconds: it only defines things. */
const LOAD_MS_MAX = 20_000;

/** Memory of the process that loads a sync, in MiB, for top-level code that runs away. */
const LOAD_MEMORY_MIB = 512;

/** The name of the bundle's file, by which stacks name it. */
const BUNDLE_FILE = 'describe.mjs';

/** Loads the sync of `entry` and writes its manifest. Throws a `BuildError`. */
export async function describe(entry: Entry): Promise<Described> {
  const made = await bundleToLoad(entry);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tidegate-build-')));
  try {
    const file = join(folder, BUNDLE_FILE);
    writeFileSync(file, made.code);
    const outcome = await load(file, folder);
    return {
      manifest: manifestOf(entry, made, outcome),
      bundle: made,
      platform: { globals: marked(made.code), prototypes: mentioned(made.code) },
      zod: await zodParts(entry.project, made),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The bundle that is loaded on Node: with zod's JSON Schemas, which become the manifest's. */
async function bundleToLoad(entry: Entry): Promise<Bundle> {
  const options = { stub: hostStub, marks: true };
  const made = await bundle(entry.project, entryText(entry), {
    ...options,
    zod: { urls: false, jsonSchemas: true },
  });
  const { urls } = await zodParts(entry.project, made);
  // Only now it shows whether zod's use of `URL` counts.
  return urls ? bundle(entry.project, entryText(entry), options) : made;
}

/** The parts of zod that the files of the bundle beside zod and this package ask for. */
async function zodParts(project: Project, made: Bundle): Promise<ZodParts> {
  const files = [...made.inputs.keys()].filter(
    (each) => !isVirtual(each) && !isWithin(each, project.zod) && !isWithin(each, PACKAGE_SOURCES),
  );
  return partsIn(await Promise.all(files.map((each) => readFile(each, 'utf8'))));
}

function entryText(entry: Entry): string {
  return `
    import { manifestOf } from ${JSON.stringify(join(GUEST, 'manifest.ts'))};
    export const load = () => import(${JSON.stringify(entry.file)});
    export function describe(loaded) {
      if (!("default" in loaded)) return { none: Object.keys(loaded) };
      const definition = loaded.default;
      if (typeof definition !== "object" || definition === null) return { other: typeof definition };
      return { manifest: JSON.stringify(manifestOf(definition, ${JSON.stringify(entry.name)})) };
    }`;
}

/** What the process that loads a sync sends back. */
interface Outcome {
  failed?: 'load' | 'describe' | 'bundle' | 'time' | 'exit';
  name?: string;
  message?: string;
  stack?: string;
  /** The first call of the host, if there was one. */
  call?: { name: string; stack: string };
  manifest?: { none?: string[]; other?: string; manifest?: string };
}

/** Loads the bundle in a process of its own: without environment, with a time limit. */
function load(file: string, folder: string): Promise<Outcome> {
  const child = fork(
    fileURLToPath(new URL('describe-child.mjs', import.meta.url)),
    [pathToFileURL(file).href],
    {
      cwd: folder,
      env: {},
      execArgv: [`--max-old-space-size=${LOAD_MEMORY_MIB}`, '--stack-trace-limit=50'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    },
  );
  return new Promise((done) => {
    let outcome: Outcome = { failed: 'exit' };
    const timer = setTimeout(() => {
      outcome = { failed: 'time' };
      child.kill('SIGKILL');
    }, LOAD_MS_MAX);
    child.once('message', (message) => {
      outcome = message as Outcome;
    });
    child.once('close', () => {
      clearTimeout(timer);
      done(outcome);
    });
  });
}

function manifestOf(entry: Entry, made: Bundle, outcome: Outcome): Manifest {
  const place: Place = { file: entry.file };
  if (outcome.failed !== undefined) {
    throw failed(entry, made, outcome, outcome.failed);
  }
  const told = outcome.manifest ?? {};
  if (told.none !== undefined) {
    throw failure(
      `the file has no default export${told.none.length > 0 ? ` (it exports ${told.none.join(', ')})` : ''}, so there is no sync in it.`,
      'write `export default createSync({ ... })`',
      place,
    );
  }
  if (told.manifest === undefined) {
    throw failure(
      `the default export is no sync but a ${told.other}.`,
      'write `export default createSync({ ... })`',
      place,
    );
  }
  return JSON.parse(told.manifest) as Manifest;
}

/** What to say of a sync that could not be loaded. */
function failed(
  entry: Entry,
  made: Bundle,
  outcome: Outcome,
  how: NonNullable<Outcome['failed']>,
): BuildError {
  const at = (stack = '') =>
    placeInStack(entry.project, made.map, stack, BUNDLE_FILE) ?? { file: entry.file };
  if (how === 'time') {
    return failure(
      `the file's top-level code did not end within ${LOAD_MS_MAX / 1000} s.`,
      'look for a loop, or an await that nothing ends, outside of `exec`',
      at(),
    );
  }
  if (how === 'exit') {
    return failure(
      "the file's top-level code ended the process, or ran out of memory.",
      'move that code into `exec`',
      at(),
    );
  }
  if (outcome.call !== undefined) {
    return failure(
      `the file's top-level code calls the host (${outcome.call.name}), and there is none while a sync is built.`,
      'move the call into `exec`: what stands at the top of a file is loaded to describe the sync, and again when a run begins',
      at(outcome.call.stack),
    );
  }
  if (how === 'describe') {
    // What is wrong with the definition: the SDK says it with what to write instead.
    const message = outcome.message ?? '';
    return new BuildError([{ severity: 'error', place: placeOfKey(entry.file, message), message }]);
  }
  const message = unmarked(outcome.message ?? '');
  return failure(
    `the file's top-level code throws ${outcome.name}: ${message.replace(/[.]?$/, '.')}`,
    lackHint(message) ?? 'mend it, or move it into `exec`',
    at(outcome.stack),
  );
}

/** The host's functions that do no harm while a sync is described. */
const HARMLESS: Record<string, string> = {
  'tidegate:sync/log@0.1.0 emit': 'return undefined',
  'wasi:random/random@0.2.0 getRandomBytes': 'return new Uint8Array(arguments[0])',
};

/** A module in the place of one of the host's: each function of it refuses to be called. */
function hostStub(specifier: string): string {
  const refuse = 'globalThis[Symbol.for("tidegate.build.hostCall")]';
  const short = specifier.replace(/^\w+:\w+\/|@.*$/g, '');
  return namesOf(specifier)
    .map(([kind, name]) => {
      const body =
        HARMLESS[`${specifier} ${name}`] ??
        `return ${refuse}(${JSON.stringify(`${short}.${name}`)})`;
      return kind === 'class'
        ? `export class ${name} { constructor() { ${body} } }`
        : `export function ${name}() { ${body} }`;
    })
    .join('\n');
}

/** What the host's module exports, as `host.d.ts` declares it. */
function namesOf(specifier: string): [kind: string, name: string][] {
  const declared = readFileSync(join(GUEST, 'host.d.ts'), 'utf8');
  const start = declared.indexOf(`declare module '${specifier}'`);
  if (start < 0) {
    return [];
  }
  const text = declared.slice(start, declared.indexOf('\n}', start));
  return [...text.matchAll(/export (class|function) (\w+)/g)].map((each) => [
    each[1] ?? '',
    each[2] ?? '',
  ]);
}
