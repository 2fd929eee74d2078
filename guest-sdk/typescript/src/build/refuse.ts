/**
 * What a sync cannot import, and what to use in its place. A sync has no file system, no
 * sockets, no processes and no native code: all it reaches are the host's imports.
 */

import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { NODE_MODULES } from '../web/node.ts';

/** Why an import cannot work, in words that end a sentence, and what to do. */
export interface Refusal {
  message: string;
  hint: string;
}

const HTTP =
  'call the provider with nango.get(), nango.post() or fetch(), which go through the host';
const SOCKETS = 'a sync speaks HTTP only: use nango.get(), nango.post() or fetch()';
const FILES =
  'a sync has no files: import a JSON file with `import data from "./data.json"`, keep progress in the checkpoint, or fetch it';
const PROCESS =
  'a sync runs alone: there are no processes, threads or signals; write it as plain async code';
const SETTINGS =
  "a sync sees no environment: put settings into the connection's metadata and read them with nango.getMetadata()";
const PURE = 'look for an npm package that does the same in plain JavaScript';

/** What to use in the place of a built-in; the rest gets `PURE`. */
const INSTEAD: Record<string, string> = {
  fs: FILES,
  'fs/promises': FILES,
  readline: FILES,
  http: HTTP,
  https: HTTP,
  http2: HTTP,
  net: SOCKETS,
  tls: SOCKETS,
  dgram: SOCKETS,
  dns: SOCKETS,
  'dns/promises': SOCKETS,
  child_process: PROCESS,
  cluster: PROCESS,
  worker_threads: PROCESS,
  async_hooks: PROCESS,
  vm: PROCESS,
  os: SETTINGS,
  perf_hooks: 'performance is a global: remove the import',
  zlib: 'the host decompresses responses; for files within them install `fflate`',
  stream: 'work page by page: fetch one, save its records, fetch the next',
  'stream/promises': 'work page by page: fetch one, save its records, fetch the next',
};

/** Extensions of files that are native code or wasm. */
const NATIVE = new Set(['.node', '.so', '.dll', '.dylib']);

/** Extensions that the bundler understands. */
const LOADABLE = new Set([
  '.ts',
  '.tsx',
  '.mts',
  '.cts',
  '.js',
  '.jsx',
  '.mjs',
  '.cjs',
  '.json',
  '.txt',
  '',
]);

const BUILTINS = new Set(builtinModules);

/** The name of the built-in module that `specifier` means, if it does. */
export function builtinName(specifier: string): string | undefined {
  const name = specifier.replace(/^node:/, '');
  return specifier.startsWith('node:') || BUILTINS.has(name) ? name : undefined;
}

/** The file of the web platform that stands in for the built-in `name`, if there is one. */
export function standIn(name: string): string | undefined {
  return Object.hasOwn(NODE_MODULES, name) ? NODE_MODULES[name] : undefined;
}

/** Why the built-in `name` cannot be used. */
export function builtinRefusal(name: string): Refusal {
  return {
    message: `the Node built-in "${name}" does not exist in a sync.`,
    hint:
      INSTEAD[name.split('/')[0] ?? ''] !== undefined && INSTEAD[name] === undefined
        ? (INSTEAD[name.split('/')[0] ?? ''] ?? PURE)
        : (INSTEAD[name] ?? PURE),
  };
}

/** Why the file at `path` cannot be part of a sync; undefined if it can. */
export function fileRefusal(path: string): Refusal | undefined {
  const extension = extname(path).toLowerCase();
  if (NATIVE.has(extension)) {
    return {
      message: `"${path}" is native code, which cannot run in a sync.`,
      hint: PURE,
    };
  }
  if (extension === '.wasm') {
    return {
      message: `"${path}" is a wasm module, and a sync cannot load another one.`,
      hint: PURE,
    };
  }
  return LOADABLE.has(extension)
    ? undefined
    : {
        message: `"${path}" is no JavaScript, TypeScript, JSON or text, and nothing else can be imported.`,
        hint: 'write the content as a .json file, or as a .ts file that exports it',
      };
}

/** Packages that load or build native code: one that depends on them is native. */
const NATIVE_HELPERS = [
  'bindings',
  'node-gyp-build',
  'node-addon-api',
  'nan',
  'prebuild-install',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
];

/** Whether the package at `folder` is native code with JavaScript around it. */
export function isNativePackage(folder: string): boolean {
  if (existsSync(join(folder, 'binding.gyp'))) {
    return true;
  }
  try {
    const told = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      gypfile?: boolean;
      dependencies?: Record<string, string>;
      napi?: object;
    };
    return (
      told.gypfile === true ||
      told.napi !== undefined ||
      NATIVE_HELPERS.some((helper) => told.dependencies?.[helper] !== undefined)
    );
  } catch {
    return false;
  }
}

/** The folder of the npm package that `file` belongs to, if it lies in node_modules. */
export function packageOf(file: string): { name: string; folder: string } | undefined {
  let folder = dirname(file);
  for (;;) {
    const above = dirname(folder);
    const scoped = above.replaceAll('\\', '/').match(/\/node_modules\/(@[^/]+)$/);
    if (scoped !== null) {
      return { name: `${scoped[1]}/${folder.slice(above.length + 1)}`, folder };
    }
    if (above.endsWith('node_modules') && !folder.slice(above.length + 1).startsWith('@')) {
      return { name: folder.slice(above.length + 1), folder };
    }
    if (above === folder) {
      return undefined;
    }
    folder = above;
  }
}
