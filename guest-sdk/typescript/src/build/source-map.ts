/**
 * Source maps: from a place in a bundle back to the author's line, for the messages of a
 * build, and cut down to the author's own files for the component.
 */

import { addMapping, GenMapping, toEncodedMap } from '@jridgewell/gen-mapping';
import { eachMapping, originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import { authorsSource } from './authors.ts';
import type { Project } from './project.ts';
import type { Place } from './messages.ts';

/** The name that QuickJS gives the bundle in a stack. */
const BUNDLE_NAME = 'componentize-qjs:user.js';

/**
 * The part of `map` that leads into the author's own files, as JSON of a source map v3:
 * sources are relative to the project's root, with `/`, and their text is not in it.
 */
export function authorsMap(project: Project, map: string): string {
  const small = new GenMapping({ file: BUNDLE_NAME });
  // A mapping holds until the next one, so the first after the author's code that leads
  // elsewhere must stay: as one that leads nowhere.
  let inside = false;
  let line = 0;
  eachMapping(new TraceMap(map), (each) => {
    if (each.generatedLine !== line) {
      line = each.generatedLine;
      inside = false;
    }
    const generated = { line: each.generatedLine, column: each.generatedColumn };
    const source = each.source;
    if (source !== null && authorsSource(project, source) !== undefined) {
      inside = true;
      const original = { line: each.originalLine, column: each.originalColumn };
      addMapping(small, { generated, source, original });
    } else if (inside) {
      inside = false;
      addMapping(small, { generated });
    }
  });
  const { version, file, sources, names, mappings } = toEncodedMap(small);
  return JSON.stringify({ version, file, sources, names, mappings });
}

/**
 * The author's place for the first frame of `stack` that is in one of the author's own
 * files; frames name the bundle by `name`.
 */
export function placeInStack(
  project: Project,
  map: string,
  stack: string,
  name: string,
): Place | undefined {
  for (const [, line, column] of stack.matchAll(framesOf(name))) {
    const place = placeInBundle(project, map, Number(line), Number(column));
    if (place !== undefined) {
      return place;
    }
  }
  return undefined;
}

/**
 * The author's place for a place in the bundle, line and column from 1; undefined where
 * it is of a dependency.
 */
export function placeInBundle(
  project: Project,
  map: string,
  line: number,
  column: number,
): Place | undefined {
  const found = originalPositionFor(new TraceMap(map), { line, column: column - 1 });
  const file = found.source === null ? undefined : authorsSource(project, found.source);
  return file === undefined
    ? undefined
    : { file, line: found.line ?? 1, column: (found.column ?? 0) + 1 };
}

function framesOf(name: string): RegExp {
  return new RegExp(`${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}:(\\d+):(\\d+)`, 'g');
}
