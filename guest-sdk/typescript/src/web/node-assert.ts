/** `node:assert`, the part that programs use beside tests. */

import { isDeepEqual } from './deep-equal.ts';
import { inspect } from './inspect.ts';

/** What a failed assertion throws. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly code = 'ERR_ASSERTION';
  readonly actual: unknown;
  readonly expected: unknown;
  readonly operator: string;
  readonly generatedMessage: boolean;

  constructor(options: { message?: string; actual?: unknown; expected?: unknown; operator?: string }) {
    const { actual, expected, operator = 'fail' } = options;
    super(options.message ?? `${inspect(actual)} ${operator} ${inspect(expected)}`);
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
    this.generatedMessage = options.message === undefined;
  }
}

type Message = string | Error | undefined;

function check(right: boolean, actual: unknown, expected: unknown, operator: string, message: Message): void {
  if (right) return;
  if (message instanceof Error) throw message;
  throw new AssertionError({ actual, expected, operator, ...(message !== undefined && { message }) });
}

/** Throws if the value is not true or like true. */
export function ok(value: unknown, message?: Message): asserts value {
  check(Boolean(value), value, true, '==', message);
}

/** Throws always. */
export function fail(message: Message = 'Failed'): never {
  throw message instanceof Error ? message : new AssertionError({ message });
}

export const equal = (a: unknown, b: unknown, message?: Message) =>
  check(a == b || (Number.isNaN(a) && Number.isNaN(b)), a, b, '==', message);
export const notEqual = (a: unknown, b: unknown, message?: Message) =>
  check(a != b && !(Number.isNaN(a) && Number.isNaN(b)), a, b, '!=', message);
export const strictEqual = (a: unknown, b: unknown, message?: Message) =>
  check(Object.is(a, b), a, b, 'strictEqual', message);
export const notStrictEqual = (a: unknown, b: unknown, message?: Message) =>
  check(!Object.is(a, b), a, b, 'notStrictEqual', message);
export const deepEqual = (a: unknown, b: unknown, message?: Message) =>
  check(isDeepEqual(a, b, false), a, b, 'deepEqual', message);
export const notDeepEqual = (a: unknown, b: unknown, message?: Message) =>
  check(!isDeepEqual(a, b, false), a, b, 'notDeepEqual', message);
export const deepStrictEqual = (a: unknown, b: unknown, message?: Message) =>
  check(isDeepEqual(a, b, true), a, b, 'deepStrictEqual', message);
export const notDeepStrictEqual = (a: unknown, b: unknown, message?: Message) =>
  check(!isDeepEqual(a, b, true), a, b, 'notDeepStrictEqual', message);
export const match = (text: string, pattern: RegExp, message?: Message) =>
  check(pattern.test(text), text, pattern, 'match', message);
export const doesNotMatch = (text: string, pattern: RegExp, message?: Message) =>
  check(!pattern.test(text), text, pattern, 'doesNotMatch', message);

/** Throws the value unless it is null or undefined. */
export function ifError(value: unknown): void {
  if (value !== null && value !== undefined) throw value;
}

/** What an error must be: of a class, with a message, with properties, or as a function says. */
type Expected = RegExp | (new (...args: never[]) => unknown) | ((error: unknown) => boolean) | object;

function fits(error: unknown, expected: Expected | undefined): boolean {
  if (expected === undefined) return true;
  if (expected instanceof RegExp) return expected.test(String(error));
  if (typeof expected !== 'function') {
    return Object.entries(expected).every(([key, value]) => {
      const actual = (error as Record<string, unknown>)[key];
      return value instanceof RegExp && typeof actual === 'string' ? value.test(actual) : isDeepEqual(actual, value, true);
    });
  }
  if (expected.prototype !== undefined && error instanceof expected) return true;
  if (Error.prototype.isPrototypeOf(expected.prototype as object)) return false;
  return (expected as (error: unknown) => boolean)(error) === true;
}

/** Throws if the function does not, or throws something else. */
export function throws(call: () => unknown, expected?: Expected | string, message?: Message): void {
  let thrown: { error: unknown } | undefined;
  try {
    call();
  } catch (error) {
    thrown = { error };
  }
  judge(thrown, expected, message, 'Missing expected exception.');
}

/** Rejects if the promise does not, or rejects with something else. */
export async function rejects(
  promise: Promise<unknown> | (() => Promise<unknown>),
  expected?: Expected | string,
  message?: Message,
): Promise<void> {
  let thrown: { error: unknown } | undefined;
  try {
    await (typeof promise === 'function' ? promise() : promise);
  } catch (error) {
    thrown = { error };
  }
  judge(thrown, expected, message, 'Missing expected rejection.');
}

function judge(thrown: { error: unknown } | undefined, expected: Expected | string | undefined, message: Message, missing: string): void {
  const said = typeof expected === 'string' ? expected : message;
  if (!thrown) fail(said ?? missing);
  if (typeof expected === 'string' || fits(thrown.error, expected)) return;
  const { error } = thrown;
  check(false, error, expected, 'throws', said ?? `The error is not the expected one: ${String(error)}`);
}

/** `assert(value)`, with all others as its properties. */
const assert = Object.assign((value: unknown, message?: Message): void => ok(value, message), {
  AssertionError, deepEqual, deepStrictEqual, doesNotMatch, equal, fail, ifError, match, notDeepEqual,
  notDeepStrictEqual, notEqual, notStrictEqual, ok, rejects, strictEqual, throws,
});

/** The same with strict comparison everywhere. */
export const strict = Object.assign((value: unknown, message?: Message): void => ok(value, message), assert, {
  equal: strictEqual,
  notEqual: notStrictEqual,
  deepEqual: deepStrictEqual,
  notDeepEqual: notDeepStrictEqual,
});

export default assert;
