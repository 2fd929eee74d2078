/** `node:util`, the part that works without processes and streams. */

import { isDeepEqual } from './deep-equal.ts';
import { TextDecoder, TextEncoder } from './encoding.ts';
import { format, formatWithOptions } from './format.ts';
import { inspect } from './inspect.ts';
import { line, wellFormed } from './line.ts';

export { format, formatWithOptions, inspect, TextDecoder, TextEncoder };

type Call = (this: unknown, ...args: never[]) => unknown;
type Done = (error: unknown, value?: unknown) => void;

const customPromisify: unique symbol = Symbol.for('nodejs.util.promisify.custom') as never;

/** A function that gives a promise in the place of one that calls back with error and value. */
export function promisify(call: (...args: never[]) => unknown): (...args: unknown[]) => Promise<unknown> {
  const own = (call as { [customPromisify]?: (...args: unknown[]) => Promise<unknown> })[customPromisify];
  if (own) return own;
  return function (this: unknown, ...args) {
    return new Promise((resolve, reject) => {
      const done: Done = (error, value) => (error ? reject(error) : resolve(value));
      (call as unknown as (...args: unknown[]) => void).call(this, ...args, done);
    });
  };
}
promisify.custom = customPromisify;

/** A function that calls back in the place of one that gives a promise. */
export function callbackify(call: (...args: never[]) => Promise<unknown>): (...args: unknown[]) => void {
  return function (this: unknown, ...args) {
    const done = args.pop() as Done;
    (call as unknown as (...args: unknown[]) => Promise<unknown>).call(this, ...args).then(
      (value) => queueMicrotask(() => done(null, value)),
      (error: unknown) => queueMicrotask(() => done(error ?? new Error('The promise was rejected.'))),
    );
  };
}

/** Lets one class of the old kind inherit from another. */
export function inherits(child: { prototype: object }, parent: { prototype: object }): void {
  Object.defineProperty(child, 'super_', { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(child.prototype, parent.prototype);
}

/** The function, which writes a warning when it is first called. */
export function deprecate<C extends Call>(call: C, message: string, code?: string): C {
  let told = false;
  return function (this: unknown, ...args: never[]) {
    if (!told) line('warn', `DeprecationWarning: ${code ? `[${code}] ` : ''}${message}`);
    told = true;
    return call.apply(this, args);
  } as C;
}

/** A log that is off, as it is on Node without NODE_DEBUG. */
export function debuglog(_section: string): ((...args: unknown[]) => void) & { enabled: boolean } {
  return Object.assign(() => {}, { enabled: false });
}

/** Whether two values are the same all the way down, with their types. */
export function isDeepStrictEqual(a: unknown, b: unknown): boolean {
  return isDeepEqual(a, b, true);
}

/** Text without the codes that colour a terminal. */
export function stripVTControlCharacters(text: string): string {
  return text.replace(/[\u001b\u009b][[\]()#;?]*(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~]/g, '');
}

/** Text with U+FFFD for half a surrogate pair. */
export function toUSVString(text: string): string {
  return wellFormed(String(text));
}

const tag = (value: unknown) => Object.prototype.toString.call(value).slice('[object '.length, -1);
const tagged = (...names: string[]) => (value: unknown) => names.includes(tag(value));

/** Tells kinds of values apart. */
export const types = {
  isPromise: (value: unknown) => value instanceof Promise,
  isRegExp: tagged('RegExp'),
  isDate: (value: unknown) => value instanceof Date,
  isNativeError: (value: unknown) => value instanceof Error,
  isMap: (value: unknown) => value instanceof Map,
  isSet: (value: unknown) => value instanceof Set,
  isWeakMap: (value: unknown) => value instanceof WeakMap,
  isWeakSet: (value: unknown) => value instanceof WeakSet,
  isArrayBuffer: (value: unknown) => value instanceof ArrayBuffer,
  isAnyArrayBuffer: tagged('ArrayBuffer', 'SharedArrayBuffer'),
  isArrayBufferView: (value: unknown) => ArrayBuffer.isView(value),
  isTypedArray: (value: unknown) => ArrayBuffer.isView(value) && !(value instanceof DataView),
  isUint8Array: (value: unknown) => value instanceof Uint8Array,
  isDataView: (value: unknown) => value instanceof DataView,
  isAsyncFunction: tagged('AsyncFunction', 'AsyncGeneratorFunction'),
  isGeneratorFunction: tagged('GeneratorFunction', 'AsyncGeneratorFunction'),
  isGeneratorObject: tagged('Generator'),
  isBoxedPrimitive: (value: unknown) =>
    typeof value === 'object' && tagged('Number', 'String', 'Boolean', 'BigInt', 'Symbol')(value),
};

/** The same as `Array.isArray`. */
export const isArray = Array.isArray;

export default {
  callbackify, debuglog, deprecate, format, formatWithOptions, inherits, inspect, isArray,
  isDeepStrictEqual, promisify, stripVTControlCharacters, TextDecoder, TextEncoder, toUSVString,
  types,
};
