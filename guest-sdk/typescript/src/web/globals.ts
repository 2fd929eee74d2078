/**
 * Which module gives which global: names of the web platform and of Node that QuickJS
 * lacks. The build puts a module only into a bundle that refers to its global.
 *
 * How a bundle is made with them. First with `define: marks()`, which writes a mark
 * wherever a global of the table is meant (and not a variable of that name); `marked` reads
 * which ones there are. Then again, with the text that `prelude` gives for these as its
 * first import. Libraries in here use globals as well, so go on until no new mark turns up;
 * the last time without `define`. (esbuild's `inject` would do this at once, but it makes
 * every file import every global, and a file in CommonJS then goes round in circles.)
 *
 * Every module exports the global under its own name, does nothing when it is imported, and
 * changes no other object, so that what is not used costs nothing.
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
  Intl: 'intl.ts',
  structuredClone: 'structured-clone.ts',
  crypto: 'crypto.ts',
  Buffer: 'buffer.ts',
  process: 'process.ts',
  global: 'global.ts',
  AbortController: 'abort.ts',
  AbortSignal: 'abort.ts',
  Event: 'events.ts',
  EventTarget: 'events.ts',
  DOMException: 'dom-exception.ts',
  fetch: 'fetch.ts',
  Request: 'fetch.ts',
  Response: 'fetch.ts',
  Headers: 'headers.ts',
  FormData: 'form-data.ts',
  Blob: 'blob.ts',
};

/**
 * Method name -> module, relative to this folder, that gives a prototype this method in the
 * place of the engine's. Such a module has an effect when it is imported. The build has
 * it if the text of the first bundle, which has nothing of this folder in it yet, names the
 * method (`mentioned`).
 */
export const PROTOTYPE_METHODS: Readonly<Record<string, string>> = {
  localeCompare: 'prototype/locale-compare.ts',
  toLocaleString: 'prototype/to-locale-string.ts',
  toLocaleDateString: 'prototype/to-locale-date-string.ts',
  toLocaleTimeString: 'prototype/to-locale-time-string.ts',
};

/** Modules of `PROTOTYPE_METHODS` whose method a bundle's text names. */
export function mentioned(text: string): string[] {
  const names = Object.keys(PROTOTYPE_METHODS);
  return names.filter((name) => text.includes(name)).map((name) => PROTOTYPE_METHODS[name]!);
}

const MARK = '__tidegate_global_';

/** Objects that hold the globals, as people write them. */
const HOLDERS = ['globalThis', 'global', 'self', 'window'];

/** Entries for esbuild's `define` that mark where a global of the table is meant. */
export function marks(): Record<string, string> {
  const entries = Object.keys(GLOBALS).flatMap((name) => [
    [name, MARK + name],
    ...HOLDERS.map((holder) => [`${holder}.${name}`, MARK + name]),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Names of the globals whose marks are in a bundle's text. */
export function marked(text: string): string[] {
  const found = text.matchAll(new RegExp(`\\b${MARK}(\\w+)`, 'g'));
  return [...new Set([...found].map((match) => match[1]!))];
}

/** By definition, because some engines have getters there. */
const SET = `const set = (name, value) => {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
};
`;

/**
 * Text of a module that sets the named globals and imports the modules of prototypes. It
 * lies in this folder, and comes before all other imports.
 */
export function prelude(names: readonly string[], prototypes: readonly string[] = []): string {
  const imports = names.map((name) => `import { ${name} as ${name}_ } from './${GLOBALS[name]}';\n`);
  const effects = prototypes.map((file) => `import './${file}';\n`);
  const sets = names.map((name) => `set('${name}', ${name}_);\n`);
  return [...imports, ...effects, SET, ...sets].join('');
}
