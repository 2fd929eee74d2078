/**
 * Arguments checked before they cross to the host: the engine ends the run with a trap on
 * a wrong type or half of a surrogate pair, where an error can be caught and understood.
 */
import { refused } from './errors.ts';
import { loneSurrogateIn } from './text.ts';

/** The largest number that an import takes: they are 32 bits wide. */
const U32_MAX = 0xffff_ffff;

/** `value` if it is a well-formed string; `what` names it in the error. */
export function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw refused(`${what} must be a string, not ${kindOf(value)}.`);
  const at = loneSurrogateIn(value);
  if (at >= 0) {
    throw refused(
      `${what} has half of a surrogate pair at position ${at}, which no UTF-8 text can hold; ` +
        'cut strings between whole characters.',
    );
  }
  return value;
}

/** `value` if it is a string that is not empty. */
export function name(value: unknown, what: string): string {
  const checked = text(value, what);
  if (checked === '') throw refused(`${what} must not be empty.`);
  return checked;
}

/** `value` as a whole number that fits 32 bits: fractions are cut, more is the most. */
export function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw refused(`${what} must be a number from 0 on, not ${kindOf(value)}.`);
  }
  return Math.min(Math.floor(value), U32_MAX);
}

/** The JSON of `value`, which must be an object. */
export function jsonObject(value: unknown, what: string): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(`${what} must be an object, not ${kindOf(value)}.`);
  }
  return json(value, what);
}

/** The JSON of `value`. What has none (a BigInt, a cycle) is an error that names it. */
export function json(value: unknown, what: string): string {
  let written: string | undefined;
  try {
    written = JSON.stringify(value);
  } catch (cause) {
    // Anything else is a `toJSON` of the author's, or the engine out of memory.
    if (!(cause instanceof TypeError)) throw cause;
    throw refused(`${what} cannot be written as JSON: ${cause.message}.`);
  }
  if (written === undefined) throw refused(`${what} must have a JSON form; ${kindOf(value)} has none.`);
  return written;
}

/** A value's kind and, where it is short, the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'number':
    case 'boolean':
    case 'bigint':
      return `the ${typeof value} ${value}`;
    case 'string':
      return value.length > 40 ? `a string of ${value.length} characters` : `the string ${JSON.stringify(value)}`;
    case 'function':
      return 'a function';
    default:
      return value instanceof Promise ? 'a promise (is an `await` missing?)' : `an ${typeof value}`;
  }
}
