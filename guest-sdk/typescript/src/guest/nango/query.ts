/** Query strings and forms, written as they go over the line, without `URLSearchParams`. */

/** A URL's part before the query, and the query without its `?`, if it has one. */
export function splitQuery(url: string): [path: string, query: string | undefined] {
  const end = url.indexOf('#');
  const whole = end < 0 ? url : url.slice(0, end);
  const at = whole.indexOf('?');
  return at < 0 ? [whole, undefined] : [whole.slice(0, at), whole.slice(at + 1)];
}

/** A query without the parameters of these names. */
export function without(query: string, names: ReadonlySet<string>): string {
  const pairs = query.split('&').filter((pair) => pair !== '' && !names.has(decoded(pair.split('=', 1)[0] ?? '')));
  return pairs.join('&');
}

/** A part of a query or form without its encoding; as it is where that is broken. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    return text;
  }
}

/** The pairs of a query or form. */
export function pairsOf(query: string): [name: string, value: string][] {
  const parts = query.replace(/^\?/, '').split('&');
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [decoded(part), ''] : [decoded(part.slice(0, at)), decoded(part.slice(at + 1))];
    });
}

/** Something with the pairs of a query: a `URLSearchParams` of whatever platform. */
export interface Params {
  entries(): Iterable<[string, string]>;
  append(name: string, value: string): void;
  toString(): string;
}

/** Whether a value is a `URLSearchParams`. */
export function isParams(value: unknown): value is Params {
  if (typeof value !== 'object' || value === null) return false;
  const { entries, append, getAll } = value as Record<string, unknown>;
  return typeof entries === 'function' && typeof append === 'function' && typeof getAll === 'function';
}

/** An object as a form, nested fields as `a[b]`, lists as `a[]`, as axios writes it. */
export function form(fields: object): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(fields)) write(pairs, name, value);
  return pairs.join('&');
}

function write(pairs: string[], name: string, value: unknown): void {
  if (value === undefined) return;
  if (value instanceof Date) pairs.push(pair(name, value.toISOString()));
  else if (Array.isArray(value)) {
    const isFlat = value.every((each) => typeof each !== 'object' || each === null);
    value.forEach((each, index) => write(pairs, isFlat ? `${name}[]` : `${name}[${index}]`, each));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, each] of Object.entries(value)) write(pairs, `${name}[${key}]`, each);
  } else pairs.push(pair(name, value === null ? '' : String(value)));
}

function pair(name: string, value: string): string {
  return `${encoded(name)}=${encoded(value)}`;
}

/** Text as a form has it: a space is a plus. */
function encoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/%20/g, '+')
    .replace(/[!'()~]/g, hexOf);
}

function hexOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
