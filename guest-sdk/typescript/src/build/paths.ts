/**
 * Where the parts of this package lie: its sources, the runtime, the contract and the
 * libraries that it brings along. Everything is found from this file's own place, so
 * the package works wherever it was unpacked.
 */

import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own folder, without symbolic links. */
export const PACKAGE = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));

/** What to do where a part of the toolchain is missing or another version. */
export const INSTALL = `run \`npm install\` in ${PACKAGE}, with its optional packages`;

/** Its sources. */
export const PACKAGE_SOURCES = join(PACKAGE, 'src');

/** What runs inside a component. */
export const GUEST = join(PACKAGE_SOURCES, 'guest');

/** The web platform that the engine lacks. */
export const WEB = join(PACKAGE_SOURCES, 'web');

/** The engine, changed so that it starts the same way each time. */
export const RUNTIME = join(PACKAGE, 'runtime', 'steady.wasm');

/** The WIT folder with the world that components are built for. */
export const WIT = join(PACKAGE, 'wit');

/** The JSON Schema of a manifest. */
export const MANIFEST_SCHEMA = join(WIT, 'deps', 'tidegate', 'manifest.schema.json');

/**
 * The folder of the npm package `name` as seen from `folder`, without symbolic links;
 * undefined where it is not installed.
 */
export function packageFolder(name: string, folder: string): string | undefined {
  const lookup = createRequire(join(folder, 'any.js')).resolve.paths(name) ?? [];
  for (const modules of lookup) {
    try {
      return dirname(realpathSync(join(modules, name, 'package.json')));
    } catch {
      // Not here: the next folder upward may have it.
    }
  }
  return undefined;
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** `path` with `/` between its parts on every system. */
export function slashed(path: string): string {
  return sep === '/' ? path : path.split(sep).join('/');
}
