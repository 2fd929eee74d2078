/**
 * What the build tells an author: problems with the place they stand at, the line of
 * source and what to do. Words for people, so they go to stderr.
 */

import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { isWithin, slashed } from './paths.ts';

/** A place in an author's file. */
export interface Place {
  /** The file's absolute path. */
  file: string;
  /** Line from 1, where one is known. */
  line?: number;
  /** Column from 1, where one is known. */
  column?: number;
}

/** Something that is wrong, or will be. */
export interface Problem {
  severity: 'error' | 'warning';
  /** Where; absent where the problem is of the whole build. */
  place?: Place;
  /** A code to look up, such as `TS2345`. */
  code?: string;
  /** What is wrong, in a sentence. */
  message: string;
  /** Whether it is a syntax error, which the type check words better. */
  syntax?: boolean;
  /** What to do, one line each. */
  hints?: string[];
}

/** Ends a build, or one sync of it, with the problems that were found. */
export class BuildError extends Error {
  constructor(readonly problems: Problem[]) {
    super(problems.map((each) => each.message).join('\n'));
    this.name = 'BuildError';
  }
}

/** An error without more to it than a message, a place and what to do. */
export function failure(message: string, hint: string | string[], place?: Place): BuildError {
  return new BuildError([{ severity: 'error', message, hints: [hint].flat(), place }]);
}

/** The longest source line that is shown with a problem; others are minified code. */
const SOURCE_LINE_CHARS_MAX = 240;

/** A problem as it is printed: place, message, source line with a caret, hints. */
export function format(problem: Problem, folder = process.cwd()): string {
  const code = problem.code === undefined ? '' : ` ${problem.code}`;
  const lines = [`${placed(problem.place, folder)}${problem.severity}${code}: ${problem.message}`];
  lines.push(...excerpt(problem.place));
  for (const hint of problem.hints ?? []) {
    lines.push(`  hint: ${hint}`);
  }
  return lines.join('\n');
}

/** `file` as people name it who stand in `folder`. */
export function shown(file: string, folder = process.cwd()): string {
  return isWithin(file, resolve(folder)) ? slashed(relative(folder, file)) || '.' : file;
}

function placed(place: Place | undefined, folder: string): string {
  if (place === undefined) {
    return '';
  }
  const parts = [shown(place.file, folder), place.line, place.column];
  return `${parts.filter((each) => each !== undefined).join(':')}: `;
}

/** The source line of `place` and a caret under its column. */
function excerpt(place: Place | undefined): string[] {
  const text = sourceLine(place);
  if (place?.line === undefined || text === undefined || text.length > SOURCE_LINE_CHARS_MAX) {
    return [];
  }
  const number = `${place.line}`.padStart(5);
  const lines = [`${number} | ${text}`];
  if (place.column !== undefined) {
    // Tabs stay tabs, so that the caret stands below its column.
    const indent = text.slice(0, place.column - 1).replace(/[^\t]/g, ' ');
    lines.push(`${' '.repeat(number.length)} | ${indent}^`);
  }
  return lines;
}

function sourceLine(place: Place | undefined): string | undefined {
  try {
    return place?.line === undefined
      ? undefined
      : readFileSync(place.file, 'utf8').split(/\r?\n/)[place.line - 1]?.trimEnd();
  } catch {
    return undefined;
  }
}
