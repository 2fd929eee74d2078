// A sync for the reference: bundled with its helpers, so that each run evaluates the whole
// of it anew, as each run of Nango and each run of a component does.

import { build } from 'esbuild';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Definition } from './reference.ts';

/** The module of an import by name, wherever the bundle lies: `nango` is the runner's own package. */
function installed(name: string): string {
  return import.meta.resolve(name === 'nango' ? '@nangohq/runner-sdk' : name);
}

/** Bundles `source` to `folder/{name}.mjs`; answers the file. */
export async function bundle(name: string, source: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    logLevel: 'silent',
    plugins: [
      {
        name: 'modules',
        setup({ onResolve }) {
          onResolve({ filter: /^(nango|zod|axios|@nangohq\/(runner-sdk|providers))$/ }, ({ path }) => ({ path: installed(path), external: true }));
        },
      },
    ],
  });
  return outfile;
}

let loads = 0;

/** Evaluates a bundle anew. */
export async function load(file: string): Promise<Definition> {
  const { href } = pathToFileURL(file);
  const module = (await import(`${href}?load=${++loads}`)) as { default: Definition };
  return module.default;
}
