/**
 * What of zod is left out of a component: it is the largest part of most, and half of it
 * is of no use in a sync. Its 50 languages, cut to English; its checks of URLs, which need
 * a whole `URL`, where nobody checks any; and JSON Schemas, which are made when a
 * component is built. Measured for a small sync: 534 KB of JavaScript without any of it.
 */

import type { PluginBuild } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isWithin } from './paths.ts';

/** Parts of zod that are kept because something asks for them. */
export interface ZodParts {
  /** Checks of URLs and IPv6 addresses. */
  urls: boolean;
  /** JSON Schema from zod and back. */
  jsonSchemas: boolean;
}

/** Everything but the languages. */
export const ALL_PARTS: ZodParts = { urls: true, jsonSchemas: true };

/** The parts that `texts`, the files that use zod, ask for. */
export function partsIn(texts: string[]): ZodParts {
  return {
    urls: texts.some((each) => /\b(url|httpUrl|ipv6|cidrv6|fromJSONSchema)\s*\(/.test(each)),
    jsonSchemas: texts.some((each) => /JSONSchema/i.test(each)),
  };
}

/** Marks zod's list of languages, cut to one. */
const LOCALES = 'tidegate-zod-locales';

/** Whether `path`, imported from `folder`, is the list of languages of the zod at `zod`. */
export function isLanguageList(path: string, folder: string, zod: string): boolean {
  return /\/locales\/index\.c?js$/.test(path) && isWithin(folder, zod);
}

/** What esbuild is to load in the place of that list. */
export function languageList(path: string, folder: string) {
  return { path: join(folder, path, '..', 'en.js'), namespace: LOCALES, sideEffects: false };
}

/** Leaves out of the zod at `zod` what is not in `parts`. */
export function leaveOut(build: PluginBuild, zod: string, parts: ZodParts): void {
  build.onLoad({ filter: /.*/, namespace: LOCALES }, ({ path }) => ({
    contents: `export { default as en } from ${JSON.stringify(path)};`,
    loader: 'js',
    resolveDir: zod,
  }));
  build.onLoad({ filter: /[\\/]zod[\\/].*\.js$/ }, async ({ path }) => {
    if (!isWithin(path, zod) || !/schemas?\.js$|json-schema/.test(path)) {
      return undefined;
    }
    const text = await readFile(path, 'utf8');
    return { contents: cut(basename(path), text, parts), loader: 'js' };
  });
}

/** The text of one of zod's files without what is left out. */
function cut(file: string, text: string, parts: ZodParts): string {
  let kept = text;
  if (!parts.urls && file === 'schemas.js') {
    kept = kept.replaceAll(/\bnew URL\(/g, 'new (Reflect.get(globalThis, "URL"))(');
  }
  if (!parts.jsonSchemas) {
    kept = /json-schema/.test(file)
      ? withoutBodies(kept)
      : kept.replaceAll(/^ *inst\._zod\.processJSONSchema = .*;$/gm, '');
  }
  return kept;
}

/** The exports of a module of zod's JSON Schemas, all of which say that they are not there. */
function withoutBodies(text: string): string {
  const names = [...text.matchAll(/^export (const|function|class) (\w+)/gm)].map(
    (each) => each[2] ?? '',
  );
  const exports = names.map((name) =>
    // These are called for every schema, and what they make never is.
    name.startsWith('create')
      ? `export const ${name} = () => absent;`
      : `export { absent as ${name} };`,
  );
  return `
    function absent() {
      throw new Error("JSON Schemas of zod are left out of this sync, because no file of it names them.");
    }
    ${exports.join('\n')}`;
}
