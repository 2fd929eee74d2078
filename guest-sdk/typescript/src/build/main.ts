/**
 * The build tool's command line. `tidegate build` calls it; what programs read goes to
 * stdout, one JSON object a line, and words for people go to stderr.
 */

import { parseArgs } from 'node:util';
import { BuildError, failure, format, shown } from './messages.ts';
import { findEntries } from './entries.ts';
import { buildSync, writeComponent } from './sync.ts';

/** Runs the tool with `args`; gives the exit code. */
export async function main(args: string[]): Promise<number> {
  try {
    return await command(args);
  } catch (error) {
    if (error instanceof BuildError) {
      for (const problem of error.problems) {
        say(format(problem));
      }
      return 1;
    }
    throw error;
  }
}

async function command(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { out: { type: 'string' }, name: { type: 'string' }, 'no-check': { type: 'boolean' } },
  });
  const [verb, path] = positionals;
  if (verb !== 'build' || path === undefined || values.out === undefined) {
    throw failure('the command is not understood.', 'tidegate-sdk build PATH --out DIR [--name NAME] [--no-check]');
  }
  const found = findEntries(path, values.name);
  for (const entry of found.entries) {
    const built = await buildSync(entry);
    const component = writeComponent(built, values.out);
    process.stdout.write(`${JSON.stringify({ name: built.name, component, bytes: built.bytes.length, sources: built.sources })}\n`);
    say(`${built.name}: ${shown(component)}, ${(built.bytes.length / 2 ** 20).toFixed(2)} MiB ${JSON.stringify(built.times)} bundle ${built.bundleBytes}`);
  }
  return 0;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
