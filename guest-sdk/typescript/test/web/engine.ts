/**
 * Runs a bundle as a component in the real engine, through the host's command line.
 */

import { componentize } from 'componentize-qjs';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PROGRAM, RUN_MAX_MS } from '../program.ts';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

const MANIFEST = JSON.stringify({
  name: 'web',
  version: '0.0.1',
  description: 'Runs rows of the web platform.',
  models: { Row: { schema: { type: 'object' } } },
});

/** Source that a module for the engine needs beside its `run`. */
export const DESCRIBE = `export function describe() { return ${JSON.stringify(MANIFEST)}; }\n`;

/** What came of a run. */
export interface Run {
  /** Lines of the log, each as `level message`. */
  log: string[];
  /** Milliseconds of CPU, and of sleeping. */
  cpuMs: number;
  waitedMs: number;
  /** Most memory it had, in bytes. */
  peakBytes: number;
}

/** Runs `text`, a bundle that exports `run` and has `DESCRIBE` in it. */
export async function runInEngine(text: string, options: string[] = []): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-web-'));
  try {
    const { component } = await componentize({
      witPath: join(PACKAGE, 'wit'),
      world: 'typescript-sync',
      jsSource: text,
      runtimeBytes: await readFile(join(PACKAGE, 'runtime/steady.wasm')),
    });
    const file = join(folder, 'web.wasm');
    await writeFile(file, component);
    return await run(file, folder, options);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function run(file: string, folder: string, options: string[]): Promise<Run> {
  const args = ['run', file, '--store', join(folder, 'store'), '--logs', '--json', ...options];
  const { stdout, stderr } = await promisify(execFile)(PROGRAM, args, {
    timeout: RUN_MAX_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  const { usage } = JSON.parse(stdout) as { usage: Record<string, number> };
  const lines = stderr.trimEnd().split(/\n?^\d\d:\d\d:\d\d\.\d{3} /m);
  return {
    log: lines.slice(1).map((line) => line.replace(/^(\w+) +/, '$1 ')),
    cpuMs: usage['cpu_us']! / 1000,
    waitedMs: usage['waited_ms']!,
    peakBytes: usage['memory_peak_bytes']!,
  };
}
