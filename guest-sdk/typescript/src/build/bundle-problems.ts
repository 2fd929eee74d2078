/**
 * What the bundler says of a sync, in words for its author: errors and warnings of
 * esbuild, and imports that cannot work, with the way by which a dependency's is reached.
 */

import type * as esbuild from 'esbuild';
import { resolve } from 'node:path';
import { absolute, isAuthorsFile } from './authors.ts';
import type { Project } from './project.ts';
import { failure, type Place, type Problem } from './messages.ts';
import { INSTALL } from './paths.ts';
import { isNativePackage, packageOf } from './refuse.ts';
import { ENTRY, type RefusedImport } from './resolve.ts';

/** What esbuild gives of a bundle that is not written. */
export type BundleResult = esbuild.BuildResult<{ write: false; metafile: true }>;

/** Bytes that each input has in the bundle, by absolute path or `namespace:path`. */
export function inputsOf(project: Project, metafile: esbuild.Metafile): Map<string, number> {
  const output = Object.values(metafile.outputs).find(
    (each) => each.entryPoint !== undefined || each.inputs[ENTRY] !== undefined,
  );
  const inputs = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    inputs.set(absolute(project, path), bytesInOutput);
  }
  return inputs;
}

/** Whether a warning is for the author: not of a dependency, and not told elsewhere. */
export function isTold(project: Project, message: esbuild.Message): boolean {
  // The type check tells of a tsconfig.json.
  const elsewhere = isRefusal(message) || message.location?.file.endsWith('tsconfig.json') === true;
  return !elsewhere && isAuthors(project, message);
}

/** What an error that esbuild threw says. */
export function problemsOf(project: Project, error: unknown): Problem[] {
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

/** A message of esbuild as a problem. */
export function problemOf(
  project: Project,
  message: esbuild.Message,
  severity: Problem['severity'],
): Problem {
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
      message:
        'this import() names its module by an expression, and a sync is one file: all of it must be known now.',
      hints: [
        'write the module as a string: import("./module.js"), one for each that can be meant',
      ],
    };
  }
  if (message.id === 'unsupported-require-call' || message.id === 'indirect-require') {
    return {
      message:
        'this require() names its module by an expression, and a sync is one file: all of it must be known now.',
      hints: ['write `import name from "./module.js"` at the top of the file'],
    };
  }
  const notes = message.notes
    .map((each) => each.text)
    .filter((each) => each !== '' && !each.startsWith('The plugin '));
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
  const wanted = name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? name);
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

function isRefusal(message: esbuild.Message): boolean {
  return (message.detail as Partial<RefusedImport> | undefined)?.kind === 'refused-import';
}

/**
 * The imports that cannot work: each that the author wrote, and each of a dependency
 * that is still there after what nobody uses was left out.
 */
export function refusalsOf(project: Project, result: BundleResult): Problem[] {
  const inputs = inputsOf(project, result.metafile);
  return result.warnings.filter(isRefusal).flatMap((message) => {
    const { input } = message.detail as RefusedImport;
    const used = (inputs.get(input) ?? 0) > 0 || isAuthors(project, message);
    return used
      ? [refusalProblem(project, message, chainTo(project, result.metafile, message))]
      : [];
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
  const because = native
    ? ` ("${dependency.name}" is a native module)`
    : ` ("${dependency.name}" imports it)`;
  return {
    severity: 'error',
    place,
    message: refusal.message.replace(/\.$/, `${because}.`),
    hints,
  };
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
  for (
    let each: string | undefined = target;
    each !== undefined && each !== ENTRY;
    each = from.get(each)
  ) {
    chain.unshift(packageOf(absolute(project, each))?.name ?? each);
  }
  return chain.filter((each, index) => each !== chain[index - 1]);
}
