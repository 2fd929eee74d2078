/** Runs a component in the real engine, through the host's command line. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { PROGRAM, RUN_MAX_MS } from '../program.ts';

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
