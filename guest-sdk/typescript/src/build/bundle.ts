/**
 * One ES module of a sync and all that it imports, by esbuild; and what stands in the
 * way of one, in words for its author.
 */

import * as esbuild from 'esbuild';
import { join } from 'node:path';
import { absolute } from './authors.ts';
import {
  inputsOf,
  isTold,
  problemOf,
  problemsOf,
  refusalsOf,
  type BundleResult,
} from './bundle-problems.ts';
import { BuildError, type Problem } from './messages.ts';
import { globalMarks, type Platform } from './platform.ts';
import { ENTRY, resolver, type Stub } from './resolve.ts';
import type { ZodParts } from './zod.ts';
import type { Project } from './project.ts';

/** A bundle and what is known of it. */
export interface Bundle {
  code: string;
  /** Its source map as esbuild writes it; sources are relative to the project's root. */
  map: string;
  /** Bytes that each input has in the bundle, by absolute path or `namespace:path`. */
  inputs: Map<string, number>;
  /** The files that each file of the bundle imports, by absolute path. */
  imports: Map<string, string[]>;
  warnings: Problem[];
}

/** How to bundle. */
export interface BundleOptions {
  /** Stands for the host's imports; absent, they are left to the component. */
  stub?: Stub;
  /** Whether globals are marked instead of meant; see `platform.ts`. */
  marks?: boolean;
  /** What is given of `src/web`; nothing, if nothing is said. */
  platform?: Platform;
  /** What is kept of zod; all but its languages, if nothing is said. */
  zod?: ZodParts;
}

/** What esbuild says only when asked, and what a sync must hear. */
const HEARD = {
  'unsupported-dynamic-import': 'error',
  'unsupported-require-call': 'error',
  'indirect-require': 'error',
  'empty-glob': 'error',
} as const;

/**
 * Bundles `text`, the virtual entry of a sync of `project`. Throws a `BuildError` with
 * everything that is wrong.
 */
export async function bundle(
  project: Project,
  text: string,
  options: BundleOptions = {},
): Promise<Bundle> {
  const result = await esbuild
    .build({
      stdin: { contents: text, resolveDir: project.root, sourcefile: ENTRY, loader: 'js' },
      absWorkingDir: project.root,
      // Nothing is written: its folder is what the map's sources are relative to.
      outfile: join(project.root, 'bundle.js'),
      write: false,
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      conditions: ['import', 'module', 'default'],
      target: 'es2022',
      charset: 'ascii',
      // Names of functions are what a stack shows and what code may look at.
      minify: true,
      keepNames: true,
      treeShaking: true,
      legalComments: 'none',
      sourcemap: 'external',
      sourcesContent: false,
      metafile: true,
      logLevel: 'silent',
      logOverride: HEARD,
      define: {
        'process.env.NODE_ENV': '"production"',
        ...(options.marks === true ? globalMarks() : {}),
      },
      plugins: [resolver(project, options)],
    })
    .catch((error: unknown) => {
      throw new BuildError(problemsOf(project, error));
    });
  const refusals = refusalsOf(project, result);
  if (refusals.length > 0) {
    throw new BuildError(refusals);
  }
  return {
    code: textOf(result, '.js'),
    map: textOf(result, '.js.map'),
    inputs: inputsOf(project, result.metafile),
    imports: importsOf(project, result.metafile),
    warnings: result.warnings
      .filter((each) => isTold(project, each))
      .map((each) => problemOf(project, each, 'warning')),
  };
}

function textOf(result: BundleResult, ending: string): string {
  return result.outputFiles.find((each) => each.path.endsWith(ending))?.text ?? '';
}

function importsOf(project: Project, metafile: esbuild.Metafile): Map<string, string[]> {
  const imports = new Map<string, string[]>();
  for (const [path, input] of Object.entries(metafile.inputs)) {
    const found = input.imports.filter((each) => each.external !== true);
    imports.set(
      absolute(project, path),
      found.map((each) => absolute(project, each.path)),
    );
  }
  return imports;
}
