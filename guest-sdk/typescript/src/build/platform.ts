/**
 * The web platform for a bundle: each global that the engine lacks comes from a module
 * of `src/web`, and is in the bundle only if something there refers to it. What neither
 * the engine nor `src/web` has is found here too, so that its author hears of it.
 */

import { join } from 'node:path';
import { GLOBALS, marked, marks, modulesOf } from '../web/globals.ts';
import { WEB } from './paths.ts';

/** What a bundle needs beside what it imports. Bundling again shows whether that is all. */
export interface Needs {
  /** Globals of `src/web` that something refers to. */
  globals: readonly string[];
  /** Whether the author checks URLs or IPv6 addresses with zod, which takes a whole `URL`. */
  zodUrls: boolean;
}

/** What a bundle starts with. */
export const NOTHING: Needs = { globals: [], zodUrls: false };

/** esbuild's `define` and `inject` for a bundle with `needs`. */
export function platform(needs: Needs): { define: Record<string, string>; inject: string[] } {
  const names = [...Object.entries(marks(needs.globals)), ...needs.globals.map((name) => [name, name])];
  const define: Record<string, string> = { 'process.env.NODE_ENV': '"production"' };
  for (const [name, meant] of names as [string, string][]) {
    // `globalThis.URL` means the same as `URL`.
    define[`globalThis.${name}`] = meant;
    if (name !== meant) {
      define[name] = meant;
    }
  }
  return { define, inject: modulesOf(needs.globals).map((file) => join(WEB, file)) };
}

/** What the bundle `code`, made with `needs`, needs beyond them. */
export function missing(code: string): string[] {
  return marked(code);
}

/** What zod does with URLs in the author's words: the methods that make a `URL`. */
export const ZOD_URL_METHODS = /\b(url|httpUrl|ipv6|cidrv6|fromJSONSchema)\s*\(/;

/**
 * zod's text without the global `URL`: its checks of URLs and IPv6 addresses are in every
 * bundle, and would take the whole of `URL` along where nobody uses them.
 */
export function withoutUrls(text: string): string {
  return text.replaceAll(/\bnew URL\(/g, 'new (Reflect.get(globalThis, "URL"))(');
}

const LACK_MARK = '__tidegate_lacks_';

/** Globals of Node and of browsers that a sync does not have, and what to use instead. */
const LACKS: Readonly<Record<string, string>> = {
  process: 'settings are in the connection\'s metadata: nango.getMetadata()',
  Intl: 'format with plain code, such as date.toISOString(), or in the app that reads the records',
  XMLHttpRequest: 'use nango.get(), nango.post() or fetch()',
  WebSocket: 'use nango.get(), nango.post() or fetch()',
  EventSource: 'use nango.get(), nango.post() or fetch()',
  Worker: 'write it as plain async code: a sync has one thread',
  SharedArrayBuffer: 'a sync has one thread: use an ArrayBuffer',
  WebAssembly: 'look for an npm package that does it in plain JavaScript',
  localStorage: 'keep progress in the checkpoint or the metadata',
  sessionStorage: 'keep progress in the checkpoint or the metadata',
  indexedDB: 'keep progress in the checkpoint or the metadata',
  window: 'use globalThis',
  document: 'a sync has no page; parse HTML with an npm package in plain JavaScript',
  navigator: 'there is no browser around a sync',
  __dirname: 'a sync has no files; import a JSON file instead',
  __filename: 'a sync has no files; import a JSON file instead',
};

/** esbuild's `define` that marks what a sync does not have. */
export function lackMarks(): Record<string, string> {
  const names = Object.keys(LACKS).filter((name) => !Object.hasOwn(GLOBALS, name));
  return Object.fromEntries(names.flatMap((name) => [[name, LACK_MARK + name], [`globalThis.${name}`, LACK_MARK + name]]));
}

/** Something that a sync does not have and that a bundle refers to. */
export interface Lack {
  name: string;
  hint: string;
  /** Where in the bundle: line from 1, column from 1. */
  line: number;
  column: number;
}

/** What `code`, bundled with `lackMarks`, refers to without asking for its type first. */
export function lacks(code: string): Lack[] {
  return code.split('\n').flatMap((text, index) =>
    [...text.matchAll(new RegExp(`(typeof )?${LACK_MARK}(\\w+)`, 'g'))].flatMap((each) => {
      const [, asked, name = ''] = each;
      return asked === undefined
        ? [{ name, hint: LACKS[name] ?? '', line: index + 1, column: each.index + 1 }]
        : [];
    }),
  );
}

/** `text` with the marks taken back, for messages. */
export function unmarked(text: string): string {
  return text.replaceAll(LACK_MARK, '');
}
