// Components of the suite's syncs, by the SDK's own build tool in one call.

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const TOOL = join(import.meta.dirname, '../../../guest-sdk/typescript/bin/tidegate-sdk.mjs');

/** Builds all syncs of `folder`, or those named, into `out`; answers `out`. */
export async function build(folder: string, names: string[] | undefined, out: string): Promise<string> {
  await mkdir(out, { recursive: true });
  const what = names ? names.map((name) => join(folder, 'syncs', `${name}.ts`)) : [folder];
  for (const one of what) await done([TOOL, 'build', one, '--out', out]);
  return out;
}

async function done(args: string[]): Promise<void> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise((ended, fail) => child.on('error', fail).on('close', ended));
  if (code !== 0) throw new Error(`the build tool ended with ${code}: node ${args.join(' ')}`);
}
