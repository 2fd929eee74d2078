/**
 * Bundles as the build makes them: `src/web` is injected where a global is referred to.
 * The same source runs three ways, so that Node is the oracle: on Node with its own
 * globals, on Node with ours, and in the real engine with ours.
 */

import { build, type Plugin } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { marked, marks, mentioned, prelude } from '../../src/web/globals.ts';
import { NODE_MODULES, PACKAGES } from '../../src/web/node.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Path of a module of `src/web`. */
export function web(file: string): string {
  return fileURLToPath(new URL(`../../src/web/${file}`, import.meta.url));
}

/** Functions of the host that `src/web` calls. */
const HOST = ['emit', 'sleep', 'getRandomBytes', 'send', 'Request'];

/** Imports of the host, for a bundle that runs on Node: `globalThis.host` stands for it. */
const hostOnNode: Plugin = {
  name: 'host-on-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(tidegate|wasi):/ }, ({ path }) => ({ path, namespace: 'host' }));
    onLoad({ filter: /.*/, namespace: 'host' }, () => ({
      contents: HOST.map((name) => `export const ${name} = (...args) => host.${name}(...args);`).join('\n'),
      loader: 'js',
    }));
  },
};

/** Modules that are no files, called `<kind>:<name>`. */
function virtual(kinds: Record<string, { text: (name: string) => string; folder: string }>): Plugin {
  return {
    name: 'virtual',
    setup({ onResolve, onLoad }) {
      for (const [kind, { text, folder }] of Object.entries(kinds)) {
        const filter = new RegExp(`^${kind}:`);
        onResolve({ filter }, ({ path }) => ({ path: path.slice(kind.length + 1), namespace: kind }));
        onLoad({ filter: /.*/, namespace: kind }, ({ path }) => ({
          contents: text(path),
          loader: 'ts',
          resolveDir: folder,
        }));
      }
    },
  };
}

/** Where a bundle runs, and with whose globals. */
export type Target = 'node' | 'node with ours' | 'engine';

/** The text of `source`, a module, bundled with what it imports. */
export async function bundle(
  source: string,
  target: Target,
  rows: (file: string) => string = () => '',
  minify = false,
): Promise<string> {
  const bundled = (first: string, define: Record<string, string>) =>
    bundleOnce({ source, target, rows, minify, first, define });
  if (target === 'node') return bundled('', {});
  let text = await bundled('', marks());
  const prototypes = mentioned(text);
  const names = marked(text);
  for (let known = 0; known < names.length; ) {
    known = names.length;
    text = await bundled(prelude(names, prototypes), marks());
    names.push(...marked(text).filter((name) => !names.includes(name)));
  }
  return bundled(prelude(names, prototypes), {});
}

interface Once {
  source: string;
  target: Target;
  rows: (file: string) => string;
  minify: boolean;
  /** Text of the first module, which lies in `src/web`. */
  first: string;
  define: Record<string, string>;
}

async function bundleOnce({ source, target, rows, minify, first, define }: Once): Promise<string> {
  const ours = target !== 'node';
  const modules = { rows: { text: rows, folder: HERE }, first: { text: () => first, folder: web('.') } };
  const { outputFiles } = await build({
    stdin: { contents: `import 'first:globals';\n${source}`, loader: 'ts', resolveDir: HERE },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: ours ? 'neutral' : 'node',
    mainFields: ['module', 'main'],
    alias: ours ? replaced() : {},
    define,
    external: target === 'engine' ? ['tidegate:*', 'wasi:*'] : ['node:worker_threads'],
    plugins: [virtual(modules), ...(target === 'engine' ? [] : [hostOnNode])],
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
