/**
 * A whole build: all syncs of a file or folder, several at a time, and one type check
 * over all of them beside it. Everything that is wrong anywhere is reported.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ensureEditorSettings } from './editor.ts';
import { findEntries, type Entry } from './entries.ts';
import type { Project } from './project.ts';
import { BuildError, failure, shown, type Problem } from './messages.ts';
import { tooLarge } from './size.ts';
import { buildSync, writeComponent, type Built } from './sync.ts';

/** What to build. */
export interface BuildOptions {
  /** A file or a folder. */
  path: string;
  /** The folder that components are written to. */
  out: string;
  /** The name of the only sync. */
  name?: string;
  /** Whether types are checked. */
  check: boolean;
}

/** What came of a build. */
export interface BuildReport {
  components: { built: Built; path: string }[];
  /** Errors and warnings, in the order of files and lines. */
  problems: Problem[];
  /** What was passed over, in words for people. */
  notes: string[];
  /** How long the type check took, in milliseconds; it runs beside the rest. */
  checkMs: number | undefined;
}

/** Builds. Throws a `BuildError` only where there is nothing to build. */
export async function build(options: BuildOptions): Promise<BuildReport> {
  const found = findEntries(options.path, options.name);
  ensureEditorSettings(found.project.root);
  const checking = options.check ? checkTypes(found.project, found.entries) : undefined;
  const results = await inParallel(found.entries, attempt);
  const checked = await checking;
  const typeProblems = checked?.problems ?? [];
  const built = results.flatMap((each) => (each.built === undefined ? [] : [each.built]));
  const bundleProblems = [
    ...results.flatMap((each) => each.problems),
    ...built.flatMap((each) => [...each.warnings, ...tooLarge(found.project, each)]),
    ...sameNames(built),
  ];
  const problems = inOrder(told([...found.problems, ...bundleProblems], typeProblems));
  const wrong = new Set(
    problems.filter((each) => each.severity === 'error').map((each) => each.place?.file),
  );
  const whole = wrong.has(undefined);
  const good = built.filter((each) => !whole && !each.sources.some((source) => wrong.has(source)));
  const components = good.map((each) => ({ built: each, path: writeComponent(each, options.out) }));
  return { components, problems, notes: found.notes, checkMs: checked?.milliseconds };
}

interface Attempt {
  built?: Built;
  problems: Problem[];
}

/** Builds one sync; what is wrong with it is a value, so that the others go on. */
async function attempt(entry: Entry): Promise<Attempt> {
  try {
    return { built: await buildSync(entry), problems: [] };
  } catch (error) {
    if (error instanceof BuildError) {
      return { problems: error.problems };
    }
    const said = error instanceof Error ? error.message : String(error);
    const wrong = failure(
      `the component could not be made: ${said}`,
      'if the message does not say what to mend, please report it as a defect of Tidegate',
      { file: entry.file },
    );
    return { problems: wrong.problems };
  }
}

/** `work` for each of `items`, as many at a time as there are CPUs; results in order. */
async function inParallel<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array<R>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(items.length, availableParallelism()) }, lane));
  return results;
}

interface Checked {
  problems: Problem[];
  milliseconds: number;
}

function checkTypes(project: Project, entries: Entry[]): Promise<Checked> {
  const worker = new Worker(new URL('check-worker.mjs', import.meta.url), {
    workerData: { project, entries },
  });
  return new Promise((done, fail) => {
    worker.once('message', done);
    worker.once('error', fail);
  });
}

/** TypeScript's codes for an import that leads nowhere. */
const UNRESOLVED = new Set(['TS2307', 'TS2792', 'TS2732', 'TS2882', 'TS6263']);

/**
 * All problems, each told once. Both TypeScript and the bundler see a syntax error and
 * an import that leads nowhere: of the first TypeScript knows more, of the other we do.
 */
function told(ours: Problem[], types: Problem[]): Problem[] {
  const lineOf = (each: Problem) => `${each.place?.file}:${each.place?.line}`;
  const imports = new Set(ours.map(lineOf));
  const kept = types.filter(
    (each) => !(UNRESOLVED.has(each.code ?? '') && imports.has(lineOf(each))),
  );
  const syntax = new Set(
    kept.filter((each) => /^TS1\d{3}$/.test(each.code ?? '')).map((each) => each.place?.file),
  );
  const rest = ours.filter((each) => !(each.syntax === true && syntax.has(each.place?.file)));
  const once = new Map(
    [...kept, ...rest].map((each) => [
      `${lineOf(each)}:${each.place?.column} ${each.message}`,
      each,
    ]),
  );
  return [...once.values()];
}

function inOrder(problems: Problem[]): Problem[] {
  const rank = (each: Problem) => each.place?.file ?? '';
  return problems.sort(
    (one, other) =>
      rank(one).localeCompare(rank(other), 'en') ||
      (one.place?.line ?? 0) - (other.place?.line ?? 0),
  );
}

/** A component's file has its sync's name, so no two syncs of a build may share one. */
function sameNames(built: Built[]): Problem[] {
  const first = new Map<string, Built>();
  return built.flatMap((each): Problem[] => {
    const other = first.get(each.name);
    first.set(each.name, other ?? each);
    return other === undefined
      ? []
      : [
          {
            severity: 'error',
            place: { file: each.file },
            message: `its name is "${each.name}", and so is that of ${shown(other.file)}.`,
            hints: ['give one of them another `name`, or build them into different folders'],
          },
        ];
  });
}
