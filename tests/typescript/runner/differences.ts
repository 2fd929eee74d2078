// Where Tidegate rightly does otherwise than Nango: one row for each, asserted as it is
// written here. A row whose difference has gone is an error, so that none outlives its reason.

import type { State } from './play.ts';

export interface Difference {
  sync: string;
  /** What is different and why that is right. */
  why: string;
  /** What the component must show instead of what Node shows. */
  component: (onNode: State[]) => State[];
}

/** All of them; README.md lists them too. */
export const DIFFERENCES: Difference[] = [];
