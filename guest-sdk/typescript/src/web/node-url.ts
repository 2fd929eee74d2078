/** `node:url`: the classes. Paths of files and the old `url.parse` are refused. */

import { URL, URLSearchParams } from './url.ts';

export { URL, URLSearchParams };

function refused(name: string, instead: string): () => never {
  return () => {
    throw new Error(`A sync has no url.${name}: ${instead}.`);
  };
}

/** Refused: a sync has no files. */
export const fileURLToPath = refused('fileURLToPath', 'it has no files');

/** Refused: a sync has no files. */
export const pathToFileURL = refused('pathToFileURL', 'it has no files');

/** Refused: Node has given it up as well. */
export const parse = refused('parse', 'use new URL(text), or new URL(text, base) for a relative one');

/** A URL as text, with or without its parts. */
export function format(
  url: URL,
  options: { auth?: boolean; fragment?: boolean; search?: boolean } = {},
): string {
  const shown = new URL(url);
  if (options.auth === false) shown.username = shown.password = '';
  if (options.fragment === false) shown.hash = '';
  if (options.search === false) shown.search = '';
  return shown.href;
}

/** The URL that `to` means on the page `from`. */
export function resolve(from: string, to: string): string {
  const base = new URL(from, 'resolve://base');
  const url = new URL(to, base);
  return url.protocol === 'resolve:' ? url.pathname + url.search + url.hash : url.href;
}

/** The plain options of a URL, as `http.request` takes them. */
export function urlToHttpOptions(url: URL): Record<string, string | number> {
  const { protocol, hostname, hash, search, pathname, href, port } = url;
  const options = { protocol, hostname, hash, search, pathname, path: pathname + search, href };
  return port === '' ? options : { ...options, port: Number(port) };
}

export default { fileURLToPath, format, parse, pathToFileURL, resolve, URL, URLSearchParams, urlToHttpOptions };
