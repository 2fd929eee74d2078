/**
 * Which files of a bundle are the author's own: what is wrong in these is told with its
 * place, and a component's source map leads into these.
 */

import { resolve } from 'node:path';
import type { Project } from './project.ts';
import { isWithin, PACKAGE } from './paths.ts';

/** Whether an input is no file but something that this build makes up. */
export function isVirtual(input: string): boolean {
  return /^(\.\/)?(tidegate[-:]|wasi:)/.test(input);
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

/** esbuild's name of an input as an absolute path, if it is a file. */
export function absolute(project: Project, input: string): string {
  return isVirtual(input) ? input : resolve(project.root, input);
}
