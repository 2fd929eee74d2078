/** Places in a JSON document, by paths such as `meta.next`, `data[0].id` and `data.0.id`. */

/**
 * What stands at `path`, `undefined` where there is nothing. A key that is the whole path,
 * dots and all, comes first.
 */
export function at(document: unknown, path: string): unknown {
  if (typeof document !== 'object' || document === null) return undefined;
  if (Object.hasOwn(document, path)) return (document as Record<string, unknown>)[path];
  const keys = keysOf(path);
  let place: unknown = keys.length === 0 ? undefined : document;
  for (const key of keys) {
    if (place === null || place === undefined) return undefined;
    place = (place as Record<string, unknown>)[key];
  }
  return place;
}

/** Puts `value` at `path`, making objects on the way, and lists where a number follows. */
export function put(document: Record<string, unknown>, path: string, value: unknown): void {
  const keys = Object.hasOwn(document, path) ? [path] : keysOf(path);
  if (keys.includes('__proto__')) return;
  let place = document;
  keys.forEach((key, index) => {
    if (index === keys.length - 1) {
      place[key] = value;
      return;
    }
    const next = place[key];
    const isContainer = typeof next === 'object' && next !== null;
    const made = isContainer ? next : /^\d+$/.test(keys[index + 1] ?? '') ? [] : {};
    place[key] = made;
    place = made as Record<string, unknown>;
  });
}

function keysOf(path: string): string[] {
  const keys: string[] = [];
  const parts = /[^.[\]]+|\[(?:"([^"]*)"|'([^']*)'|([^\]]*))\]/g;
  for (const match of path.matchAll(parts)) keys.push(match[1] ?? match[2] ?? match[3] ?? match[0]);
  return keys;
}
