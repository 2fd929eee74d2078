/** `node:path`, as on POSIX. The working directory is `/`: a sync has no files. */

/** What stands between the parts of a path. */
export const sep = '/';
/** What stands between the paths of a list. */
export const delimiter = ':';

/** A path taken apart. */
export interface ParsedPath {
  root: string;
  dir: string;
  base: string;
  ext: string;
  name: string;
}

export function isAbsolute(path: string): boolean {
  return path.startsWith('/');
}

/** The path without `.`, `..` and doubled slashes. */
export function normalize(path: string): string {
  if (path === '') return '.';
  const root = isAbsolute(path) ? '/' : '';
  const parts = reduced(path, root !== '').join('/');
  const end = path.endsWith('/') && parts !== '' ? '/' : '';
  return root + parts + end || (path.endsWith('/') ? './' : '.');
}

function reduced(path: string, absolute: boolean): string[] {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (!absolute) parts.push(part);
  }
  return parts;
}

/** The paths put together, and normalized. */
export function join(...paths: string[]): string {
  return normalize(paths.filter((path) => path !== '').join('/'));
}

/** The absolute path that one comes to by going from path to path. */
export function resolve(...paths: string[]): string {
  let whole = '';
  for (let at = paths.length - 1; at >= 0 && !isAbsolute(whole); at--) {
    if (paths[at]) whole = `${paths[at]}/${whole}`;
  }
  return `/${reduced(whole, true).join('/')}`;
}

/** The path that leads from one to another. */
export function relative(from: string, to: string): string {
  const [a, b] = [resolve(from), resolve(to)].map((path) => path.split('/').filter(Boolean)) as [string[], string[]];
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/');
}

/** The path without its last part. */
export function dirname(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  const at = trimmed.lastIndexOf('/');
  if (at > 0) return trimmed.slice(0, at);
  return at === 0 || (trimmed === '' && path !== '') ? '/' : '.';
}

/** The last part of the path, without an ending. */
export function basename(path: string, ending: string = ''): string {
  const base = path.replace(/\/+$/, '').split('/').at(-1)!;
  return base !== ending && base.endsWith(ending) ? base.slice(0, base.length - ending.length) : base;
}

/** The ending of the last part, with its dot. */
export function extname(path: string): string {
  const base = basename(path);
  const at = base.lastIndexOf('.');
  return at > 0 && base !== '..' ? base.slice(at) : '';
}

/** Takes a path apart. */
export function parse(path: string): ParsedPath {
  const base = basename(path);
  const ext = extname(path);
  const root = isAbsolute(path) ? '/' : '';
  const dir = path.replace(/\/+$/, '').includes('/') || root ? dirname(path) : '';
  return { root, dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
}

/** Puts a path together. */
export function format(parts: Partial<ParsedPath>): string {
  const base = parts.base ?? `${parts.name ?? ''}${parts.ext ? parts.ext.replace(/^(?!\.)/, '.') : ''}`;
  const dir = parts.dir ?? parts.root;
  if (!dir) return base;
  return dir === parts.root ? dir + base : `${dir}/${base}`;
}

/** The same path: only Windows has others. */
export function toNamespacedPath(path: string): string {
  return path;
}

const path = {
  basename, delimiter, dirname, extname, format, isAbsolute, join, normalize, parse, relative, resolve,
  sep, toNamespacedPath,
};

/** The same: there is no other kind here. */
export const posix = path;

export default { ...path, posix };
