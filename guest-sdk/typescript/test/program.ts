/**
 * The `tidegate` program, with which tests run components in the real engine. Without a
 * built one there is nothing to run them: `noProgram` says so then, and tests are skipped.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where cargo leaves the program, or what `TIDEGATE_BIN` names. */
export const PROGRAM =
  process.env['TIDEGATE_BIN'] ?? fileURLToPath(new URL('../../../target/release/tidegate', import.meta.url));

/** Longest time for one run, in milliseconds: compiling a component takes seconds. */
export const RUN_MAX_MS = 300_000;

/** Why it cannot be had, or false. */
export const noProgram: string | false = existsSync(PROGRAM)
  ? false
  : `no tidegate at ${PROGRAM}: build it, or name it in TIDEGATE_BIN`;
