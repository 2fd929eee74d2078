/**
 * The web platform for a bundle: each global that the engine lacks comes from a module
 * of `src/web`, and is in the bundle only if something there refers to it. What neither
 * the engine nor `src/web` has is found here too, so that its author hears of it.
 *
 * A bundle that is only loaded on Node is made with marks in the place of globals, so it
 * shows which ones are meant. The component's bundle then starts with a module that puts
 * these on `globalThis` (`prelude` of `src/web/globals.ts`).
 */

import { GLOBALS, marks } from '../web/globals.ts';

/** The name of the module that puts globals in their place. */
export const GLOBALS_MODULE = 'tidegate-globals';

/** What a bundle is given of `src/web`. */
export interface Platform {
  /** Names of globals. */
  globals: readonly string[];
  /** Modules that replace methods of the engine's prototypes. */
  prototypes: readonly string[];
}

/** esbuild's `define` for a bundle that shows which globals it means. */
export function globalMarks(): Record<string, string> {
  return { ...lackMarks(), ...marks() };
}

/** What of a global that is there has nothing in it, and what to use instead. */
const EMPTY: Readonly<Record<string, string>> = {
  'process.env': "settings are in the connection's metadata: nango.getMetadata()",
};

const LACK_MARK = '__tidegate_lacks_';

/** Globals of Node and of browsers that a sync does not have, and what to use instead. */
const LACKS: Readonly<Record<string, string>> = {
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
  return Object.fromEntries(
    names.flatMap((name) => [name, `globalThis.${name}`].map((each) => [each, LACK_MARK + name])),
  );
}

/** Something that a sync does not have and that a bundle refers to. */
export interface Lack {
  message: string;
  hint: string;
  /** Where in the bundle: line from 1, column from 1. */
  line: number;
  column: number;
}

/** What `code`, bundled with `globalMarks`, refers to without asking for its type first. */
export function lacks(code: string): Lack[] {
  const marked = new RegExp(
    `(typeof )?(?:${LACK_MARK}(\\w+)|${marks()['process']}\\.(env)\\b)`,
    'g',
  );
  return code.split('\n').flatMap((text, index) =>
    [...text.matchAll(marked)].flatMap((each) => {
      const [, asked, lacking, empty] = each;
      if (asked !== undefined) {
        return [];
      }
      const name = lacking ?? `process.${empty}`;
      const message =
        lacking === undefined ? `${name} is empty in a sync.` : `${name} does not exist in a sync.`;
      return [
        {
          message,
          hint: LACKS[name] ?? EMPTY[name] ?? '',
          line: index + 1,
          column: each.index + 1,
        },
      ];
    }),
  );
}

/** `text` with the marks taken back, for messages. */
export function unmarked(text: string): string {
  return text.replaceAll(/__tidegate_(lacks|global)_/g, '');
}
