/**
 * The type check: TypeScript's own, with the author's options, over all syncs of a build
 * at once. Only what is wrong in the author's files counts.
 */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { isAuthorsFile } from './authors.ts';
import type { Entry } from './entries.ts';
import type { Project } from './project.ts';
import { shown, type Place, type Problem } from './messages.ts';
import { GUEST, isWithin, PACKAGE, packageFolder, slashed } from './paths.ts';

/** Options that every check has, whatever the author's tsconfig says. */
const FORCED: ts.CompilerOptions = {
  noEmit: true,
  composite: false,
  incremental: false,
  declaration: false,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  allowImportingTsExtensions: true,
  allowArbitraryExtensions: false,
  resolveJsonModule: true,
  esModuleInterop: true,
  skipLibCheck: true,
  skipDefaultLibCheck: true,
  // These two only say which files belong to a compiled project.
  rootDir: undefined,
  outDir: undefined,
};

/** Options where the author has none. */
const USUAL: ts.CompilerOptions = {
  strict: true,
  allowJs: true,
  jsx: ts.JsxEmit.Preserve,
};

/** The language level of the engine, as a lib file. */
const LIB = 'lib.es2023.d.ts';

/** What is untidy and not wrong: unused names and labels, code that is never reached. */
const UNTIDY = new Set([6133, 6138, 6192, 6196, 6198, 6199, 6205, 7027, 7028]);

/** What is wrong in the author's files, as far as `entries` lead to them. */
export function check(project: Project, entries: Entry[]): Problem[] {
  const settings = authorsSettings(project, entries);
  const options = optionsFor(project, settings.options);
  const program = ts.createProgram({
    rootNames: [
      ...entries.map((each) => each.file),
      ...settings.declarations,
      ...ourDeclarations(project),
    ],
    options,
  });
  const found = program
    .getSourceFiles()
    .filter((file) => isAuthorsFile(project, file.fileName) && !file.fileName.endsWith('.json'))
    .flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]);
  return [
    ...settings.problems,
    ...ts.sortAndDeduplicateDiagnostics(found).map((each) => problemOf(project, each)),
  ];
}

/** What the author's tsconfig says. */
interface Settings {
  options: ts.CompilerOptions;
  /** Declaration files that belong to the project. */
  declarations: string[];
  problems: Problem[];
}

function authorsSettings(project: Project, entries: Entry[]): Settings {
  const [first] = entries;
  const start = first === undefined ? project.root : dirname(first.file);
  const config = ts.findConfigFile(start, ts.sys.fileExists);
  if (config === undefined || !isWithin(config, project.root)) {
    return { options: {}, declarations: [], problems: [] };
  }
  const problems: Problem[] = [];
  const parsed = ts.getParsedCommandLineOfConfigFile(
    config,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (each) => problems.push(problemOf(project, each)),
    },
  );
  // 18002 and 18003: it lists no files of its own, which is no matter here.
  const told = (parsed?.errors ?? []).filter((each) => each.code !== 18002 && each.code !== 18003);
  return {
    options: parsed?.options ?? {},
    declarations: (parsed?.fileNames ?? []).filter((each) => each.endsWith('.d.ts')),
    problems: [...problems, ...told.map((each) => problemOf(project, each))].map((each) => ({
      place: { file: config },
      ...each,
      hints: ['mend the file, then build again'],
    })),
  };
}

function optionsFor(project: Project, authors: ts.CompilerOptions): ts.CompilerOptions {
  const options: ts.CompilerOptions = { ...USUAL, ...authors, ...FORCED };
  options.target = Math.max(authors.target ?? 0, ts.ScriptTarget.ES2022);
  options.lib = [...new Set([...(authors.lib ?? []), LIB])];
  options.paths = { ...authors.paths, ...ourPaths(project) };
  // Node's types may be this package's; others are the project's own.
  options.types = (authors.types ?? []).filter((each) => each !== 'node');
  return options;
}

/** Where `nango`, `@tidegate/sdk` and `zod` lie, for TypeScript's `paths`. */
function ourPaths(project: Project): Record<string, string[]> {
  return {
    nango: [join(GUEST, 'nango.ts')],
    '@tidegate/sdk': [join(GUEST, 'index.ts')],
    '@tidegate/sdk/nango': [join(GUEST, 'nango.ts')],
    zod: [project.zod],
    'zod/*': [join(project.zod, '*')],
  };
}

/** The same for an editor: with `/` on every system. */
export function editorPaths(project: Project): Record<string, string[]> {
  const entries = Object.entries(ourPaths(project));
  return Object.fromEntries(entries.map(([name, files]) => [name, files.map(slashed)]));
}

/** Declarations that belong to every check: the host's imports, and Node's globals. */
function ourDeclarations(project: Project): string[] {
  const node = packageFolder('@types/node', project.root) ?? packageFolder('@types/node', PACKAGE);
  return [
    join(GUEST, 'host.d.ts'),
    ...(node === undefined ? [] : [join(node, 'index.d.ts')]),
  ].filter(existsSync);
}

function problemOf(project: Project, diagnostic: ts.Diagnostic): Problem {
  const place = placeOf(diagnostic);
  return {
    severity: UNTIDY.has(diagnostic.code) ? 'warning' : 'error',
    ...(place && { place }),
    code: `TS${diagnostic.code}`,
    message: ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n  '),
    hints: (diagnostic.relatedInformation ?? [])
      .flatMap((each) => relatedHint(project, each))
      .slice(0, 1),
  };
}

/** What TypeScript says of another place, if that is the author's. */
function relatedHint(project: Project, related: ts.DiagnosticRelatedInformation): string[] {
  const place = placeOf(related);
  const text = ts.flattenDiagnosticMessageText(related.messageText, ' ');
  return place !== undefined && isAuthorsFile(project, place.file)
    ? [`${text.replace(/\.$/, '')}: ${shown(place.file)}:${place.line}`]
    : [];
}

function placeOf(diagnostic: ts.DiagnosticRelatedInformation): Place | undefined {
  if (diagnostic.file === undefined) {
    return undefined;
  }
  const { line, character } = ts.getLineAndCharacterOfPosition(
    diagnostic.file,
    diagnostic.start ?? 0,
  );
  return { file: diagnostic.file.fileName, line: line + 1, column: character + 1 };
}
