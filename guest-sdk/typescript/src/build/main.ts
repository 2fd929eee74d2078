/**
 * The build tool's command line. `tidegate build` calls it. What programs read goes to
 * stdout, one JSON object a line; words for people go to stderr. Exit code 0, or 1 after
 * errors.
 */

import { parseArgs } from 'node:util';
import { build, type BuildReport } from './build.ts';
import { writeEditorSettings } from './editor.ts';
import { BuildError, failure, format, shown } from './messages.ts';
import { kilobytes } from './size.ts';

const USAGE = [
  'tidegate-sdk build PATH --out DIR [--name NAME] [--no-check]   a .ts file or a folder to components',
  'tidegate-sdk types FOLDER                                      settings for an editor',
];

/** Runs the tool with `args`; gives the exit code. */
export async function main(args: string[]): Promise<number> {
  try {
    return await command(args);
  } catch (error) {
    if (error instanceof BuildError) {
      error.problems.forEach((each) => say(format(each)));
      return 1;
    }
    throw error;
  }
}

async function command(args: string[]): Promise<number> {
  const { positionals, values } = parsed(args);
  const [verb, path, ...more] = positionals;
  if (path !== undefined && more.length === 0) {
    if (verb === 'build' && values.out !== undefined) {
      const { out, name } = values;
      return report(await build({ path, out, name, check: values['no-check'] !== true }));
    }
    if (verb === 'types') {
      say(`wrote ${shown(writeEditorSettings(path))}`);
      return 0;
    }
  }
  throw failure('the command is not understood.', USAGE);
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        name: { type: 'string' },
        'no-check': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw failure((error as Error).message, USAGE);
  }
}

function report({ components, problems, notes, checkMs }: BuildReport): number {
  notes.forEach((each) => say(`note: ${each}`));
  problems.forEach((each) => say(format(each)));
  for (const { built, path } of components) {
    const { name, bytes, sources } = built;
    process.stdout.write(
      `${JSON.stringify({ name, component: path, bytes: bytes.length, sources })}\n`,
    );
    const { describe, bundle, component } = built.times;
    const steps = [
      `describe ${seconds(describe)}`,
      `bundle ${seconds(bundle)}`,
      `component ${seconds(component)}`,
    ];
    say(
      `built ${name}: ${shown(path)}, ${kilobytes(bytes.length)} (${kilobytes(built.bundleBytes)} of JavaScript); ${steps.join(', ')}`,
    );
  }
  const errors = problems.filter((each) => each.severity === 'error').length;
  const checked = checkMs === undefined ? '' : `; types checked in ${seconds(checkMs)}`;
  say(`${counted(components.length, 'component')}, ${counted(errors, 'error')}${checked}`);
  return errors === 0 ? 0 : 1;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
