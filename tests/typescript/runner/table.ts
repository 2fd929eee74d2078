// The result in words: what is not as it must be, then one line of figures.

import type { Verdict } from './check.ts';

/** Prints what each sync came to, the problems last but for the figures. */
export function print(verdicts: Verdict[], pass: { builtMs: number; ranMs: number; isReferenceOnly: boolean }): void {
  const bad = verdicts.filter(({ problems }) => problems.length > 0);
  for (const { name, problems } of bad) console.log(`\n${name}\n${problems.map((line) => `  ${line}`).join('\n')}`);
  const runs = verdicts.reduce((sum, verdict) => sum + verdict.runs, 0);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const words = pass.isReferenceOnly ? 'as their scenarios say' : 'equal';
  console.log(`\n| syncs | runs | ${words} | different | built in | run in |`);
  console.log('|---|---|---|---|---|---|');
  const cells = [verdicts.length, runs, verdicts.length - bad.length, bad.length, seconds(pass.builtMs), seconds(pass.ranMs)];
  console.log(`| ${cells.join(' | ')} |`);
}
