/** `node:querystring`. */

import { TextDecoder } from './encoding.ts';

type Value = string | number | boolean | bigint;

/** Most keys that `parse` takes unless told. Source: Node's documentation. */
const KEYS_MAX = 1_000;

/** What `encodeURIComponent` leaves alone is left alone. */
export function escape(text: string): string {
  return encodeURIComponent(text.replace(LONE, '\ufffd'));
}

/** Half of a surrogate pair without the other half. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The text of percent-encoded text; what is not well encoded stays, or becomes U+FFFD. */
export function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    const binary = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    return new TextDecoder().decode(Uint8Array.from(binary, (each) => each.charCodeAt(0)));
  }
}

/** A query as an object; a name that is there more than once has a list. */
export function parse(
  text: string,
  separator: string = '&',
  equals: string = '=',
  options: { maxKeys?: number; decodeURIComponent?: (text: string) => string } = {},
): Record<string, string | string[]> {
  const { maxKeys = KEYS_MAX, decodeURIComponent: decode = unescape } = options;
  const all: Record<string, string | string[]> = Object.create(null);
  if (typeof text !== 'string' || text === '') return all;
  const pieces = text.split(separator || '&');
  for (const piece of maxKeys > 0 ? pieces.slice(0, maxKeys) : pieces) {
    if (piece === '') continue;
    const [name = '', ...value] = piece.split(equals || '=');
    const key = decode(name.replace(/\+/g, ' '));
    const text = decode(value.join(equals || '=').replace(/\+/g, ' '));
    const known = all[key];
    all[key] = known === undefined ? text : Array.isArray(known) ? [...known, text] : [known, text];
  }
  return all;
}

/** An object as a query; what is no text, number or boolean becomes nothing. */
export function stringify(
  object: Record<string, unknown> | null | undefined,
  separator: string = '&',
  equals: string = '=',
  options: { encodeURIComponent?: (text: string) => string } = {},
): string {
  const encode = options.encodeURIComponent ?? escape;
  const pairs = Object.entries(object ?? {}).flatMap(([name, value]) => {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return values.map((each) => `${encode(name)}${equals || '='}${encode(plain(each))}`);
  });
  return pairs.join(separator || '&');
}

function plain(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return ['string', 'boolean', 'bigint'].includes(typeof value) ? String(value as Value) : '';
}

export { parse as decode, stringify as encode };

export default { decode: parse, encode: stringify, escape, parse, stringify, unescape };
