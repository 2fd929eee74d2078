// The result in words: what is not as it must be as soon as it is known, then one line of
// figures.

import type { Verdict } from './check.ts';

/** Prints what is wrong with a sync; nothing where all is well. */
export function tell({ name, problems }: Verdict): void {
  if (problems.length > 0) console.log(`\n${name}\n${problems.map((line) => `  ${line}`).join('\n')}`);
}

/** Prints the figures of a whole pass. */
export function print(verdicts: Verdict[], pass: { builtMs: number; ranMs: number; isReferenceOnly: boolean }): void {
  const different = verdicts.filter(({ problems }) => problems.length > 0).length;
  const runs = verdicts.reduce((sum, verdict) => sum + verdict.runs, 0);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const words = pass.isReferenceOnly ? 'as their scenarios say' : 'equal';
  console.log(`\n| syncs | runs | ${words} | different | built in | run in |`);
  console.log('|---|---|---|---|---|---|');
  const cells = [verdicts.length, runs, verdicts.length - different, different, seconds(pass.builtMs), seconds(pass.ranMs)];
  console.log(`| ${cells.join(' | ')} |`);
}
