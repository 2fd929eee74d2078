/**
 * The web platform for a bundle: each global that the engine lacks comes from a module
 * of `src/web`, and is in the bundle only if something there refers to it.
 */

import { join } from 'node:path';
import { GLOBALS } from '../web/globals.ts';
import { WEB } from './paths.ts';

/** Marks the modules that hand globals to the bundler. */
export const INJECT_PREFIX = 'tidegate-global';

/** What esbuild injects: one module for each file of the platform. */
export function injected(): string[] {
  return [...new Set(Object.values(GLOBALS))].map((file) => `${INJECT_PREFIX}:${file}`);
}

/** The text of the module that hands out the globals of `file`. */
export function injectedModule(file: string): string {
  const names = Object.keys(GLOBALS).filter((name) => GLOBALS[name] === file);
  return `export { ${names.join(', ')} } from ${JSON.stringify(join(WEB, file))};`;
}

/** `globalThis.URL` means the same as `URL`, so that both are met by an injected one. */
export function definitions(): Record<string, string> {
  const names = Object.keys(GLOBALS).map((name) => [`globalThis.${name}`, name] as const);
  return { ...Object.fromEntries(names), 'process.env.NODE_ENV': '"production"' };
}
