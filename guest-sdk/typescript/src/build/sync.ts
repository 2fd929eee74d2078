/**
 * One sync from its source to its component: described, bundled again with its manifest,
 * and put together with the engine.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { bundle, isAuthorsFile, type Bundle } from './bundle.ts';
import { component } from './component.ts';
import { describe, type Manifest } from './describe.ts';
import type { Entry, Project } from './entries.ts';
import type { Problem } from './messages.ts';
import { GUEST, isWithin, PACKAGE_SOURCES, slashed } from './paths.ts';
import { lacks } from './platform.ts';
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
  const { manifest, bundle: loaded } = await describe(entry);
  const describedAt = performance.now();
  const text = entryText(entry, manifest, readyModules(entry.project, loaded));
  const made = await bundle(entry.project, text, { needs: loaded.needs });
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
  return lacks(loaded.code).flatMap(({ name, hint, line, column }): Problem[] => {
    const place = placeInBundle(project, loaded.map, line, column);
    return place === undefined
      ? []
      : [{ severity: 'warning', place, message: `${name} does not exist in a sync.`, hints: [hint] }];
  });
}

/** Writes a component into `folder` and gives its path. */
export function writeComponent(built: Built, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${built.name}.wasm`);
  writeFileSync(path, built.bytes);
  return path;
}

/**
 * The module that a component starts from. What belongs to this package and zod is
 * imported here, so that it is evaluated now and lies in the component ready to use; the
 * author's module is only loaded when a run begins: a component is a snapshot, and
 * `const now = new Date()` at the top of a file would forever be the time of the build.
 */
function entryText(entry: Entry, manifest: Manifest, ready: string[]): string {
  return `
    import { component } from ${JSON.stringify(join(GUEST, 'component.ts'))};
    ${ready.map((each) => `import ${JSON.stringify(each)};`).join('\n')}
    export const { describe, run } = component(
      () => import(${JSON.stringify(entry.file)}),
      ${JSON.stringify(JSON.stringify(manifest))},
    );`;
}

/**
 * The modules of this package and of zod that the sync imports, in an order that does
 * not depend on where the two are installed.
 */
function readyModules(project: Project, loaded: Bundle): string[] {
  const ready = new Map<string, string>();
  for (const [importer, imported] of loaded.imports) {
    for (const each of stableName(project, importer) === undefined && importer !== ENTRY ? imported : []) {
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
  for (const [name, folder] of [['sdk', PACKAGE_SOURCES], ['zod', project.zod]] as const) {
    if (isWithin(path, folder)) {
      return slashed(join(name, relative(folder, path)));
    }
  }
  return undefined;
}
