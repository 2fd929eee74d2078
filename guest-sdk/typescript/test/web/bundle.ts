/**
 * Bundles as the build makes them: `src/web` is injected where a global is referred to.
 * The same source runs three ways, so that Node is the oracle: on Node with its own
 * globals, on Node with ours, and in the real engine with ours.
 */

import { build, type Plugin } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { marked, marks, modulesOf } from '../../src/web/globals.ts';
import { NODE_MODULES, PACKAGES } from '../../src/web/node.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Path of a module of `src/web`. */
export function web(file: string): string {
  return fileURLToPath(new URL(`../../src/web/${file}`, import.meta.url));
}

/** Imports of the host, for a bundle that runs on Node: `globalThis.host` stands for it. */
const hostOnNode: Plugin = {
  name: 'host-on-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(tidegate|wasi):/ }, ({ path }) => ({ path, namespace: 'host' }));
    onLoad({ filter: /.*/, namespace: 'host' }, () => ({
      contents: 'module.exports = globalThis.host',
      loader: 'js',
    }));
  },
};

/** Where a bundle runs, and with whose globals. */
export type Target = 'node' | 'node with ours' | 'engine';

/** The text of `source`, a module, bundled with what it imports. */
export async function bundle(source: string, target: Target, minify = false): Promise<string> {
  if (target === 'node') return bundled(source, target, [], minify);
  const names: string[] = [];
  for (;;) {
    const text = await bundled(source, target, names, minify);
    const missing = marked(text);
    if (missing.length === 0) return text;
    names.push(...missing);
  }
}

async function bundled(
  source: string,
  target: Target,
  names: string[],
  minify: boolean,
): Promise<string> {
  const ours = target !== 'node';
  const { outputFiles } = await build({
    stdin: { contents: source, loader: 'ts', resolveDir: HERE },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: ours ? 'neutral' : 'node',
    mainFields: ['module', 'main'],
    alias: ours ? replaced() : {},
    define: ours ? marks(names) : {}, 
    inject: modulesOf(names).map(web),
    external: target === 'engine' ? ['tidegate:*', 'wasi:*'] : [],
    plugins: target === 'engine' ? [] : [hostOnNode],
    minify,
    logLevel: 'warning',
  });
  return outputFiles[0]!.text;
}

function replaced(): Record<string, string> {
  const alias: Record<string, string> = {};
  for (const [name, file] of Object.entries(PACKAGES)) alias[name] = web(file);
  for (const [name, file] of Object.entries(NODE_MODULES)) {
    alias[name] = web(file);
    alias[`node:${name}`] = web(file);
  }
  return alias;
}
