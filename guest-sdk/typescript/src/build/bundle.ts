/**
 * One ES module of a sync and all that it imports, by esbuild; and what stands in the
 * way of one, in words for its author.
 */

import * as esbuild from 'esbuild';
import { join, resolve } from 'node:path';
import { BuildError, failure, type Place, type Problem } from './messages.ts';
import { INSTALL, isWithin, PACKAGE } from './paths.ts';
import { globalMarks, type Platform } from './platform.ts';
import { isNativePackage, packageOf } from './refuse.ts';
import { ENTRY, resolver, type RefusedImport, type Stub } from './resolve.ts';
import type { ZodParts } from './zod.ts';
import type { Project } from './entries.ts';

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
export async function bundle(project: Project, text: string, options: BundleOptions = {}): Promise<Bundle> {
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
      // The author's tsconfig is for the checker; nothing in it may change what is built,
      // except how classes and JSX are written.
      define: {
        'process.env.NODE_ENV': '"production"',
        ...(options.marks === true ? globalMarks() : {}),
      },
      plugins: [resolver(project, options)],
    })
    .catch((error: unknown) => {
      throw new BuildError(problemsOf(project, error));
    });
  const refusals = refused(project, result);
  if (refusals.length > 0) {
    throw new BuildError(refusals);
  }
  return {
    code: textOf(result, '.js'),
    map: textOf(result, '.js.map'),
    inputs: inputsOf(project, result.metafile),
    imports: importsOf(project, result.metafile),
    warnings: result.warnings
      // The type check tells of those in a tsconfig.json.
      .filter((each) => !isRefusal(each) && !each.location?.file.endsWith('tsconfig.json'))
      .filter((each) => isAuthors(project, each))
      .map((each) => problemOf(project, each, 'warning')),
  };
}

type Result = esbuild.BuildResult<{ write: false; metafile: true }>;

function textOf(result: Result, ending: string): string {
  return result.outputFiles.find((each) => each.path.endsWith(ending))?.text ?? '';
}

function inputsOf(project: Project, metafile: esbuild.Metafile): Map<string, number> {
  const output = Object.values(metafile.outputs).find((each) => each.entryPoint !== undefined || each.inputs[ENTRY] !== undefined);
  const inputs = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    inputs.set(absolute(project, path), bytesInOutput);
  }
  return inputs;
}

function importsOf(project: Project, metafile: esbuild.Metafile): Map<string, string[]> {
  const imports = new Map<string, string[]>();
  for (const [path, input] of Object.entries(metafile.inputs)) {
    const found = input.imports.filter((each) => each.external !== true);
    imports.set(absolute(project, path), found.map((each) => absolute(project, each.path)));
  }
  return imports;
}

/** esbuild's name of an input as an absolute path, if it is a file. */
function absolute(project: Project, input: string): string {
  return isVirtual(input) ? input : resolve(project.root, input);
}

/** Whether an input is no file but something that this build makes up. */
export function isVirtual(input: string): boolean {
  return /^(\.\/)?(tidegate[-:]|wasi:)/.test(input);
}

/** What an error that esbuild threw says. */
function problemsOf(project: Project, error: unknown): Problem[] {
  const messages = (error as Partial<esbuild.BuildFailure>).errors;
  if (!Array.isArray(messages)) {
    const said = error instanceof Error ? error.message : String(error);
    throw failure(`esbuild does not work: ${said.split('\n')[0]}`, INSTALL);
  }
  const refusals = ((error as esbuild.BuildFailure).warnings ?? [])
    .filter(isRefusal)
    .filter((each) => isAuthors(project, each))
    .map((each) => refusalProblem(project, each, []));
  return [...messages.map((each) => problemOf(project, each, 'error')), ...refusals];
}

function problemOf(project: Project, message: esbuild.Message, severity: Problem['severity']): Problem {
  const unresolved = message.text.match(/^Could not resolve "([^"]+)"/);
  const said = unresolved === null ? spoken(message) : unknownImport(project, unresolved[1] ?? '');
  return { severity, place: placeOf(project, message), ...said };
}

/** A message of esbuild in our words, with what to do where it is known. */
function spoken(message: esbuild.Message): Pick<Problem, 'message' | 'hints' | 'syntax'> {
  if (message.id === 'empty-glob') {
    return {
      message: 'no file matches this import().',
      hints: ['write the module as a string: import("./module.js")'],
    };
  }
  if (message.id === 'unsupported-dynamic-import') {
    return {
      message: 'this import() names its module by an expression, and a sync is one file: all of it must be known now.',
      hints: ['write the module as a string: import("./module.js"), one for each that can be meant'],
    };
  }
  if (message.id === 'unsupported-require-call' || message.id === 'indirect-require') {
    return {
      message: 'this require() names its module by an expression, and a sync is one file: all of it must be known now.',
      hints: ['write `import name from "./module.js"` at the top of the file'],
    };
  }
  const notes = message.notes.map((each) => each.text).filter((each) => each !== '' && !each.startsWith('The plugin '));
  const text = message.text.replace(/[.]?$/, '.');
  const missing = message.text.match(/^No matching export in "([^"]+)" for import "([^"]+)"/);
  if (missing !== null) {
    return {
      message: `"${missing[1]}" exports no "${missing[2]}".`,
      hints: ['mend the name, or export it there'],
    };
  }
  const syntax = message.pluginName === '' && message.id === '';
  const hints = notes.length === 0 && syntax ? ['mend the syntax here, then build again'] : notes;
  return { message: text, hints, syntax };
}

function unknownImport(project: Project, name: string): Pick<Problem, 'message' | 'hints'> {
  if (name.startsWith('.') || name.startsWith('/')) {
    return {
      message: `"${name}" names no file.`,
      hints: ['mend the path: it is relative to this file'],
    };
  }
  const parts = name.split('/');
  const wanted = name.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0] ?? name;
  return {
    message: `the package "${wanted}" is not installed, or has no "${name}".`,
    hints: [`run \`npm install ${wanted}\` in ${project.root}, or remove the import`],
  };
}

function placeOf(project: Project, message: esbuild.Message): Place | undefined {
  const at = message.location;
  return at === null || at === undefined || at.file === ENTRY
    ? undefined
    : { file: resolve(project.root, at.file), line: at.line, column: columnOf(at) };
}

/** esbuild counts columns in bytes from 0; people count characters from 1. */
function columnOf(at: esbuild.Location): number {
  return Buffer.from(at.lineText, 'utf8').subarray(0, at.column).toString('utf8').length + 1;
}

function isAuthors(project: Project, message: esbuild.Message): boolean {
  const place = placeOf(project, message);
  return place !== undefined && isAuthorsFile(project, place.file);
}

/** Whether `file` is the author's own: not of a dependency, and not of this package. */
export function isAuthorsFile(project: Project, file: string): boolean {
  return (
    !/[\\/]node_modules[\\/]/.test(file) &&
    (isWithin(project.root, PACKAGE) || !isWithin(file, PACKAGE)) &&
    !isVirtual(file)
  );
}

/** The author's own file that a source map's `source` names, if it is one. */
export function authorsSource(project: Project, source: string): string | undefined {
  const file = resolve(project.root, source);
  return !isVirtual(source) && isAuthorsFile(project, file) ? file : undefined;
}

function isRefusal(message: esbuild.Message): boolean {
  return (message.detail as Partial<RefusedImport> | undefined)?.kind === 'refused-import';
}

/**
 * The imports that cannot work: each that the author wrote, and each of a dependency
 * that is still there after what nobody uses was left out.
 */
function refused(project: Project, result: Result): Problem[] {
  const inputs = inputsOf(project, result.metafile);
  return result.warnings.filter(isRefusal).flatMap((message) => {
    const { input } = message.detail as RefusedImport;
    const used = (inputs.get(input) ?? 0) > 0 || isAuthors(project, message);
    return used ? [refusalProblem(project, message, chainTo(project, result.metafile, message))] : [];
  });
}

function refusalProblem(project: Project, message: esbuild.Message, chain: string[]): Problem {
  const refusal = message.detail as RefusedImport;
  const place = placeOf(project, message);
  const dependency = place === undefined ? undefined : packageOf(place.file);
  if (dependency === undefined) {
    return { severity: 'error', place, message: refusal.message, hints: [refusal.hint] };
  }
  const native = isNativePackage(dependency.folder);
  const hints = [
    native
      ? 'a sync cannot run native code: look for a package that does the same in plain JavaScript'
      : `look for another package than "${dependency.name}", or do what it does with the SDK: ${refusal.hint}`,
  ];
  if (chain.length > 1) {
    hints.unshift(`it is imported by way of ${chain.join(' -> ')}`);
  }
  const because = native ? ` ("${dependency.name}" is a native module)` : ` ("${dependency.name}" imports it)`;
  return { severity: 'error', place, message: refusal.message.replace(/\.$/, `${because}.`), hints };
}

/** The files by which the author's code comes to the import of `message`, shortest way. */
function chainTo(project: Project, metafile: esbuild.Metafile, message: esbuild.Message): string[] {
  const target = message.location?.file ?? '';
  const from = new Map<string, string | undefined>([[ENTRY, undefined]]);
  const queue = [ENTRY];
  for (let each = queue.shift(); each !== undefined && !from.has(target); each = queue.shift()) {
    for (const next of metafile.inputs[each]?.imports ?? []) {
      if (!from.has(next.path)) {
        from.set(next.path, each);
        queue.push(next.path);
      }
    }
  }
  const chain: string[] = [];
  for (let each: string | undefined = target; each !== undefined && each !== ENTRY; each = from.get(each)) {
    chain.unshift(packageOf(absolute(project, each))?.name ?? each);
  }
  return chain.filter((each, index) => each !== chain[index - 1]);
}
