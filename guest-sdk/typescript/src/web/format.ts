/** Text with placeholders, as Node's `util.format` and `console.log` fill them. */

import { inspect, type InspectOptions } from './inspect.ts';

/**
 * Fills `%s %d %i %f %j %o %O %c %%` of the first argument with the next ones, and adds
 * those that are left, with spaces between.
 */
export function format(...args: unknown[]): string {
  return formatWithOptions({}, ...args);
}

/** `format` with options for the objects among the arguments. */
export function formatWithOptions(options: InspectOptions, ...args: unknown[]): string {
  const [first, ...rest] = args;
  if (typeof first !== 'string') return args.map((arg) => plain(arg, options)).join(' ');
  if (rest.length === 0) return first;
  let next = 0;
  const filled = first.replace(/%([sdifjoOc%])/g, (whole, kind: string) => {
    if (kind === '%') return '%';
    return next < rest.length ? placeholder(kind, rest[next++], options) : whole;
  });
  return [filled, ...rest.slice(next).map((arg) => plain(arg, options))].join(' ');
}

function plain(value: unknown, options: InspectOptions): string {
  return typeof value === 'string' ? value : inspect(value, options);
}

function placeholder(kind: string, value: unknown, options: InspectOptions): string {
  switch (kind) {
    case 's':
      return text(value, options);
    case 'd':
      return number(value, Number);
    case 'i':
      return number(value, parseInt);
    case 'f':
      return typeof value === 'symbol' ? 'NaN' : inspect(parseFloat(String(value)));
    case 'j':
      return json(value);
    case 'o':
      return inspect(value, { ...options, depth: 4 });
    case 'O':
      return inspect(value, options);
    default:
      return '';
  }
}

function text(value: unknown, options: InspectOptions): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'function') return String(value);
  if (typeof value !== 'object' || value === null) return inspect(value, options);
  if (hasOwnText(value)) return String(value);
  return inspect(value, { ...options, depth: 0 });
}

/** Whether an object, or a class of the author's, says how it is written as a string. */
function hasOwnText(value: object): boolean {
  if (value instanceof Error || value instanceof Date) return !inspectsBetter(value);
  for (let up: object | null = value; up; up = Object.getPrototypeOf(up) as object | null) {
    if (Object.hasOwn(up, 'toString')) {
      const made = Object.getOwnPropertyDescriptor(up, 'constructor')?.value as unknown;
      return !(typeof made === 'function' && BUILT_IN.has(made));
    }
  }
  return false;
}

/** Classes whose `toString` says less than `inspect`. */
const BUILT_IN = new Set<unknown>([Object, Array, Function, RegExp, Map, Set, Number, String, Boolean]);

function inspectsBetter(value: object): boolean {
  return value instanceof Date || !Object.hasOwn(value, 'toString');
}

function number(value: unknown, parse: (text: never) => number): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'symbol') return 'NaN';
  if (parse === Number && typeof value === 'object' && value !== null) {
    return inspect(Number(value));
  }
  return inspect(parse(value as never));
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'undefined';
  } catch (error) {
    if (error instanceof TypeError && /circular/i.test(error.message)) return '[Circular]';
    throw error;
  }
}
