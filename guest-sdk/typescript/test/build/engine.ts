/**
 * Runs a component in the real engine, through the host's command line. Without a built
 * `tidegate` there is nothing to run it: `noEngine` says so then, and tests are skipped.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where cargo leaves the program, or what `TIDEGATE_BIN` names. */
const PROGRAM =
  process.env['TIDEGATE_BIN'] ??
  fileURLToPath(new URL('../../../../target/release/tidegate', import.meta.url));

/** Longest time for one run, in milliseconds: compiling a component takes seconds. */
const RUN_MAX_MS = 300_000;

/** Why the engine cannot be had, or false. */
export const noEngine: string | false = existsSync(PROGRAM)
  ? false
  : `no tidegate at ${PROGRAM}: build it, or name it in TIDEGATE_BIN`;

/** Runs `component` once with a store in `folder`; gives what it prints, the log first. */
export function run(component: string, folder: string): Promise<string[]> {
  const options = ['--base-url', 'http://127.0.0.1:1', '--allow-http', '--logs'];
  const args = ['run', component, '--store', join(folder, 'store'), ...options];
  return new Promise((done) => {
    // A run that fails is a result as well.
    execFile(PROGRAM, args, { timeout: RUN_MAX_MS }, (_, stdout, stderr) => {
      done(`${stderr}\n${stdout}`.split('\n'));
    });
  });
}
