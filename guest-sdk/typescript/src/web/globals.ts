/**
 * Which module gives which global: names of the web platform and of Node that QuickJS
 * lacks. The build injects a module only into a bundle that refers to its global.
 *
 * How a bundle is made with them: bundle with `define: marks(names)`, which writes a mark
 * wherever a global of the table is meant (and not a variable of that name), and read with
 * `marked` which ones are there. Bundle again with `inject` of `modulesOf` these names and
 * `define: marks(these)`. Libraries in here use globals as well, so go on until no new mark
 * turns up. (To inject all at once would be simpler, but then esbuild keeps all as soon as
 * one file of the bundle is CommonJS.)
 *
 * Every module here exports the global under its own name, does nothing when it is
 * imported, and changes no other object, so that what is not used costs nothing.
 */

/** Global name -> module, relative to this folder. */
export const GLOBALS: Readonly<Record<string, string>> = {
  URL: 'url.ts',
  URLSearchParams: 'url.ts',
  TextEncoder: 'encoding.ts',
  TextDecoder: 'encoding.ts',
  setTimeout: 'timers.ts',
  clearTimeout: 'timers.ts',
  setInterval: 'timers.ts',
  clearInterval: 'timers.ts',
  setImmediate: 'timers.ts',
  clearImmediate: 'timers.ts',
  console: 'console.ts',
};

const MARK = '__tidegate_global_';

/** Entries for esbuild's `define` that mark where a global of the table is meant. */
export function marks(except: readonly string[] = []): Record<string, string> {
  const names = Object.keys(GLOBALS).filter((name) => !except.includes(name));
  return Object.fromEntries(names.map((name) => [name, MARK + name]));
}

/** Names of the globals whose marks are in a bundle's text. */
export function marked(text: string): string[] {
  const found = text.matchAll(new RegExp(`\\b${MARK}(\\w+)`, 'g'));
  return [...new Set([...found].map((match) => match[1]!))];
}

/** Modules that give the named globals, relative to this folder. */
export function modulesOf(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => GLOBALS[name]!))];
}
