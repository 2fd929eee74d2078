/**
 * Which syncs a file or a folder holds, and the project that they belong to.
 */

import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import ts from 'typescript';
import { failure, shown, type Problem } from './messages.ts';
import { projectOf, readPackage, type Project } from './project.ts';

/** One sync to build. */
export interface Entry {
  /** The absolute path of the file that default-exports it. */
  file: string;
  /** Its name where the definition gives none: the file's, or what was asked for. */
  name: string;
  project: Project;
}

/** What was found. */
export interface Found {
  entries: Entry[];
  project: Project;
  /** What was passed over, in words for people. */
  notes: string[];
  /** What is wrong with the list itself. */
  problems: Problem[];
}

/** Extensions of a file that can hold a sync. */
const SOURCES = new Set(['.ts', '.tsx', '.mts', '.js', '.mjs']);

/** Where a folder's only sync is looked for, in order, where nothing names it. */
const USUAL_PLACES = ['src/sync.ts', 'sync.ts', 'src/index.ts'];

/** The syncs at `path`, a file or a folder. */
export function findEntries(path: string, name?: string): Found {
  const given = resolve(path);
  if (!existsSync(given)) {
    throw failure(
      `there is no file or folder ${shown(given)}.`,
      "name the sync's .ts file or its folder",
    );
  }
  const real = realpathSync(given);
  const found = statSync(real).isDirectory() ? ofFolder(real) : ofFile(real);
  if (name !== undefined && found.entries.length > 1) {
    throw failure(
      `--name names one sync, and ${shown(real)} holds ${found.entries.length}.`,
      'build one file, or set `name` in each definition',
    );
  }
  const [only] = found.entries;
  if (name !== undefined && only !== undefined) {
    only.name = name;
  }
  tellApart(found.entries);
  return found;
}

function ofFile(file: string): Found {
  if (!SOURCES.has(extname(file))) {
    throw failure(
      `${shown(file)} is no TypeScript or JavaScript file.`,
      'name a .ts, .tsx, .mts, .js or .mjs file, or a folder',
    );
  }
  const project = projectOf(dirname(file));
  return { entries: [entryOf(file, project)], project, notes: [], problems: [] };
}

function ofFolder(folder: string): Found {
  const project = projectOf(folder);
  const found: Found = { entries: [], project, notes: [], problems: [] };
  const told = readPackage(folder);
  const listed = told?.tidegate?.syncs;
  const index = join(folder, 'index.ts');
  if (listed !== undefined) {
    fromList(folder, listed, found);
    return found;
  }
  if (existsSync(index)) {
    fromIndex(index, found);
    if (found.entries.length > 0 || found.problems.length > 0) {
      return found;
    }
  }
  const main = typeof told?.main === 'string' && SOURCES.has(extname(told.main)) ? [told.main] : [];
  const file = [...main, ...USUAL_PLACES].map((each) => join(folder, each)).find(isFile);
  if (file === undefined) {
    throw failure(
      `no sync was found in ${shown(folder)}: ${told === undefined ? 'it has no package.json, and ' : ''}none of ${[...main, 'index.ts', ...USUAL_PLACES].join(', ')} names or holds one.`,
      [
        'name the file: `tidegate build path/to/sync.ts`',
        'or list the files in package.json: "tidegate": { "syncs": ["src/*.ts"] }',
        'or start a new one with `tidegate new --lang ts`',
      ],
    );
  }
  found.entries.push(entryOf(file, project));
  return found;
}

/** The files that package.json's `tidegate.syncs` names; `*` stands for a part of a name. */
function fromList(folder: string, patterns: unknown, found: Found): void {
  const file = join(folder, 'package.json');
  if (!Array.isArray(patterns) || !patterns.every((each) => typeof each === 'string')) {
    throw failure(
      '"tidegate.syncs" is no list of file names.',
      'write "tidegate": { "syncs": ["src/*.ts"] }',
      { file },
    );
  }
  for (const pattern of patterns as string[]) {
    const files = ts.sys
      .readDirectory(
        folder,
        [...SOURCES],
        ['**/node_modules', '**/*.test.*', '**/*.d.ts'],
        [pattern],
      )
      .filter(isFile)
      .sort();
    if (files.length === 0) {
      found.problems.push({
        severity: 'error',
        place: { file },
        message: `"tidegate.syncs" names "${pattern}", and no file matches.`,
        hints: ['mend the pattern, or remove it'],
      });
    }
    for (const each of files) {
      if (!found.entries.some((entry) => entry.file === each)) {
        found.entries.push(entryOf(each, found.project));
      }
    }
  }
}

/**
 * The syncs that an `index.ts` in Nango's manner imports: one import for each, for its
 * side effect. What else it imports (actions, event handlers) is noted and left out.
 */
function fromIndex(index: string, found: Found): void {
  const text = readFileSync(index, 'utf8');
  const source = ts.createSourceFile(index, text, ts.ScriptTarget.Latest, true);
  for (const statement of source.statements) {
    if (
      !ts.isImportDeclaration(statement) ||
      statement.importClause !== undefined ||
      !ts.isStringLiteral(statement.moduleSpecifier) ||
      !statement.moduleSpecifier.text.startsWith('.')
    ) {
      continue;
    }
    const specifier = statement.moduleSpecifier.text;
    const file = sourceOf(resolve(dirname(index), specifier));
    if (file === undefined) {
      const { line, character } = source.getLineAndCharacterOfPosition(
        statement.moduleSpecifier.getStart(),
      );
      found.problems.push({
        severity: 'error',
        place: { file: index, line: line + 1, column: character + 1 },
        message: `"${specifier}" names no file.`,
        hints: ['mend the path, or remove the import'],
      });
      continue;
    }
    const kind = kindOf(file);
    if (kind === undefined || kind === 'createSync') {
      found.entries.push(entryOf(file, found.project));
    } else {
      found.notes.push(
        `${shown(file)} is left out: it is made with ${kind}, and only syncs are built.`,
      );
    }
  }
}

/**
 * What the file at `path` default-exports, by the name of the function that makes it, as
 * far as its text tells: `createSync`, `createAction`, `createOnEvent`.
 */
function kindOf(path: string): string | undefined {
  const called = readFileSync(path, 'utf8').match(
    /\b(createSync|createAction|createOnEvent)\s*[(<]/,
  );
  return called?.[1];
}

/** The source file that `path`, as an import writes it, stands for. */
function sourceOf(path: string): string | undefined {
  const stem = path.replace(/\.[cm]?js$/, '');
  return [path, `${stem}.ts`, `${stem}.tsx`, `${stem}.mts`, join(path, 'index.ts')].find(isFile);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function entryOf(file: string, project: Project): Entry {
  return { file: realpathSync(file), name: basename(file, extname(file)), project };
}

/**
 * Nango's folders repeat names (`github/syncs/issues.ts`, `jira/syncs/issues.ts`), and a
 * component is named after its sync: the integration's name in front tells them apart.
 */
function tellApart(entries: Entry[]): void {
  const counts = new Map<string, number>();
  for (const { name } of entries) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const entry of entries) {
    if ((counts.get(entry.name) ?? 0) > 1) {
      const folder = dirname(entry.file);
      const integration = /^(syncs|src)$/.test(basename(folder)) ? dirname(folder) : folder;
      entry.name = `${basename(integration)}-${entry.name}`;
    }
  }
}
