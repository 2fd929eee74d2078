/**
 * The web platform for a bundle: each global that the engine lacks comes from a module
 * of `src/web`, and is in the bundle only if something there refers to it. What neither
 * the engine nor `src/web` has is found here too, so that its author hears of it.
 *
 * A bundle that is only loaded on Node is made with marks in the place of globals, so it
 * shows which ones are meant. The component's bundle then starts with a module that puts
 * these on `globalThis`.
 */

import { join } from 'node:path';
import { GLOBALS, marks } from '../web/globals.ts';
import { WEB } from './paths.ts';

/** The name of the module that puts globals in their place. */
export const GLOBALS_MODULE = 'tidegate-globals';

/**
 * The text of the module that gives the globals of `names`. Each is made when it is first
 * asked for, because one may need another while it is made; all are, at the end, so that
 * they lie in the component ready to use.
 */
export function globalsModule(names: readonly string[]): string {
  const lazy = names.map((name) => {
    const file = JSON.stringify(join(WEB, GLOBALS[name] ?? ''));
    return `give("${name}", () => require(${file}).${name});`;
  });
  return `
    function put(name, value) {
      // Undefined while its module is being evaluated, which may ask whether there is one.
      if (value === undefined) return undefined;
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
      return value;
    }
    function give(name, make) {
      Object.defineProperty(globalThis, name, {
        configurable: true,
        get: () => put(name, make()),
        set: (value) => put(name, value),
      });
    }
    ${lazy.join('\n')}
    for (const name of ${JSON.stringify(names)}) Reflect.get(globalThis, name);`;
}

/** esbuild's `define` for a bundle that shows which globals it means. */
export function globalMarks(): Record<string, string> {
  const define: Record<string, string> = {};
  for (const [name, mark] of Object.entries({ ...lackMarks(), ...marks() })) {
    define[name] = mark;
    // It means the same.
    define[`globalThis.${name}`] = mark;
  }
  return define;
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

/** What to use instead of the global that `message`, of a ReferenceError, names. */
export function lackHint(message: string): string | undefined {
  const name = message.match(/(\w+) is not defined/)?.[1] ?? '';
  return Object.hasOwn(LACKS, name) ? LACKS[name] : undefined;
}

/** Marks for what a sync does not have. */
function lackMarks(): Record<string, string> {
  const names = Object.keys(LACKS).filter((name) => !Object.hasOwn(GLOBALS, name));
  return Object.fromEntries(names.map((name) => [name, LACK_MARK + name]));
}

/** Something that a sync does not have and that a bundle refers to. */
export interface Lack {
  name: string;
  hint: string;
  /** Where in the bundle: line from 1, column from 1. */
  line: number;
  column: number;
}

/** What `code`, bundled with `globalMarks`, refers to without asking for its type first. */
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
  return text.replaceAll(/__tidegate_(lacks|global)_/g, '');
}
