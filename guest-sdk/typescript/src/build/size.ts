/**
 * How large a component is, and what takes the room.
 */

import { isWithin, PACKAGE } from './paths.ts';
import { packageOf } from './refuse.ts';
import type { Project } from './project.ts';
import { shown, type Problem } from './messages.ts';
import type { Built } from './sync.ts';

/** The largest component that is handed over, in bytes: what the product promises. */
export const COMPONENT_BYTES_MAX = 5_000_000;

/** How many of the largest parts are named. */
const PARTS_SHOWN = 5;

/** An error that names the largest parts, if the component of `built` is too large. */
export function tooLarge(project: Project, built: Built): Problem[] {
  if (built.bytes.length <= COMPONENT_BYTES_MAX) {
    return [];
  }
  const parts = largestParts(project, built.inputs).map(
    ([name, bytes]) => `${name} ${kilobytes(bytes)}`,
  );
  return [
    {
      severity: 'error',
      place: { file: built.file },
      message: `the component has ${kilobytes(built.bytes.length)}, and ${kilobytes(COMPONENT_BYTES_MAX)} is the most.`,
      hints: [
        `most of the ${kilobytes(built.bundleBytes)} of JavaScript in it: ${parts.join(', ')}`,
        'import less of the largest one, or do without it',
      ],
    },
  ];
}

/** The packages and files with the most bytes in the bundle, largest first. */
function largestParts(
  project: Project,
  inputs: Map<string, number>,
): [name: string, bytes: number][] {
  const parts = new Map<string, number>();
  for (const [input, bytes] of inputs) {
    const name = isWithin(input, project.zod)
      ? 'zod'
      : (packageOf(input)?.name ??
        (isWithin(input, PACKAGE) ? '@tidegate/sdk' : shown(input, project.root)));
    parts.set(name, (parts.get(name) ?? 0) + bytes);
  }
  return [...parts].sort((one, other) => other[1] - one[1]).slice(0, PARTS_SHOWN);
}

/** Bytes as people read them. */
export function kilobytes(bytes: number): string {
  return bytes < 1_000_000
    ? `${Math.ceil(bytes / 1000)} kB`
    : `${(bytes / 1_000_000).toFixed(2)} MB`;
}
