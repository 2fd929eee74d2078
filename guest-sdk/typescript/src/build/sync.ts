/**
 * One sync from its source to its component: described, bundled again with its manifest,
 * and put together with the engine.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { marked } from '../web/globals.ts';
import { isAuthorsFile } from './authors.ts';
import { bundle, type Bundle } from './bundle.ts';
import { component } from './component.ts';
import { describe, type Manifest } from './describe.ts';
import type { Entry } from './entries.ts';
import type { Project } from './project.ts';
import type { Problem } from './messages.ts';
import { GUEST, isWithin, PACKAGE_SOURCES, slashed } from './paths.ts';
import { GLOBALS_MODULE, lacks, type Platform } from './platform.ts';
import { ENTRY } from './resolve.ts';
import { authorsMap, placeInBundle } from './source-map.ts';

/** A component that was built. */
export interface Built {
  /** The file that default-exports the sync. */
  file: string;
  name: string;
  manifest: Manifest;
  /** The component's bytes. */
  bytes: Uint8Array;
  /** The author's source files that went into it, absolute. */
  sources: string[];
  /** Bytes of the bundle before it was put together with the engine. */
  bundleBytes: number;
  /** Bytes of each input in it. */
  inputs: Map<string, number>;
  warnings: Problem[];
  /** What each step took, in milliseconds. */
  times: { describe: number; bundle: number; component: number };
}

/** Builds the sync of `entry`. Throws a `BuildError`. */
export async function buildSync(entry: Entry): Promise<Built> {
  const started = performance.now();
  const described = await describe(entry);
  const { manifest, bundle: loaded, zod } = described;
  const describedAt = performance.now();
  const platform = await neededPlatform(entry.project, described.platform);
  const text = entryText(entry, manifest, readyModules(entry.project, loaded), loaded.code.length);
  const made = await bundle(entry.project, text, { platform, zod });
  const bundledAt = performance.now();
  const bytes = await component(made.code, authorsMap(entry.project, made.map));
  return {
    file: entry.file,
    name: manifest.name,
    manifest,
    bytes,
    sources: [...made.inputs.keys()].filter((each) => isAuthorsFile(entry.project, each)).sort(),
    bundleBytes: Buffer.byteLength(made.code),
    inputs: made.inputs,
    warnings: [...made.warnings, ...lackWarnings(entry.project, loaded)],
    times: {
      describe: describedAt - started,
      bundle: bundledAt - describedAt,
      component: performance.now() - bundledAt,
    },
  };
}

/** What the author's own files refer to and a sync does not have. */
function lackWarnings(project: Project, loaded: Bundle): Problem[] {
  return lacks(loaded.code).flatMap(({ message, hint, line, column }): Problem[] => {
    const place = placeInBundle(project, loaded.map, line, column);
    return place === undefined ? [] : [{ severity: 'warning', place, message, hints: [hint] }];
  });
}

/** What was found by `neededPlatform`, by what was asked. */
const closures = new Map<string, Promise<Platform>>();

/**
 * `platform` with what it needs in turn and what every component needs: in alphabetical
 * order, so that the same sync gives the same bytes.
 */
async function neededPlatform(project: Project, platform: Platform): Promise<Platform> {
  const first = {
    globals: [...platform.globals].sort(),
    prototypes: [...platform.prototypes].sort(),
  };
  const key = JSON.stringify([first, project.zod]);
  const found = closures.get(key) ?? closure(project, first);
  closures.set(key, found);
  return found;
}

async function closure(project: Project, platform: Platform): Promise<Platform> {
  const text = `
    import ${JSON.stringify(GLOBALS_MODULE)};
    export { component } from ${JSON.stringify(join(GUEST, 'component.ts'))};`;
  const made = await bundle(project, text, { platform, marks: true });
  const more = marked(made.code).filter((each) => !platform.globals.includes(each));
  const globals = [...platform.globals, ...more].sort();
  return more.length === 0 ? platform : closure(project, { ...platform, globals });
}

/** Writes a component into `folder` and gives its absolute path. */
export function writeComponent(built: Built, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = resolve(folder, `${built.name}.wasm`);
  writeFileSync(path, built.bytes);
  return path;
}

/**
 * The module that a component starts from. What belongs to this package and zod is
 * imported here, so that it is evaluated now and lies in the component ready to use; the
 * author's module is only loaded when a run begins: a component is a snapshot, and
 * `const now = new Date()` at the top of a file would forever be the time of the build.
 */
function entryText(entry: Entry, manifest: Manifest, ready: string[], bytes: number): string {
  return `
    import ${JSON.stringify(GLOBALS_MODULE)};
    import { component } from ${JSON.stringify(join(GUEST, 'component.ts'))};
    ${ready.map((each) => `import ${JSON.stringify(each)};`).join('\n')}
    export const { describe, run } = component(
      () => import(${JSON.stringify(entry.file)}),
      ${JSON.stringify(JSON.stringify(manifest))},
    );
    ${cleared(bytes)}`;
}

/** JavaScript for each round of `cleared`, in bytes; measured: more rounds gain nothing. */
const BYTES_PER_ROUND = 16_384;

/**
 * Code that takes memory as zeros and gives it back, in the amount that compiling `bytes`
 * of JavaScript left behind: what is zero is not in a component. (Measured for 129 KB:
 * 3.66 MB without, 3.32 MB with it, and no more memory when it runs.)
 */
function cleared(bytes: number): string {
  const rounds = Math.ceil(bytes / BYTES_PER_ROUND);
  return `
    let zeros = [];
    for (const size of [32768, 16384, 8192, 4096, 2048, 1024])
      for (let round = 0; round < ${rounds}; round++) zeros.push(new ArrayBuffer(size));
    zeros = undefined;`;
}

/**
 * The modules of this package and of zod that the sync imports, in an order that does
 * not depend on where the two are installed.
 */
function readyModules(project: Project, loaded: Bundle): string[] {
  const ready = new Map<string, string>();
  for (const [importer, imported] of loaded.imports) {
    for (const each of stableName(project, importer) === undefined && importer !== ENTRY
      ? imported
      : []) {
      const name = stableName(project, each);
      if (name !== undefined && (loaded.inputs.get(each) ?? 0) > 0) {
        ready.set(name, each);
      }
    }
  }
  return [...ready.keys()].sort().map((name) => ready.get(name) ?? '');
}

/** The name of a module of this package or of zod, the same on every machine. */
function stableName(project: Project, path: string): string | undefined {
  for (const [name, folder] of [
    ['sdk', PACKAGE_SOURCES],
    ['zod', project.zod],
  ] as const) {
    if (isWithin(path, folder)) {
      return slashed(join(name, relative(folder, path)));
    }
  }
  return undefined;
}
