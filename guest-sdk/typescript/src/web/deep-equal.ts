/** Whether values are equal all the way down, as Node's `assert` means it. */

/** Whether `a` equals `b`; `strict` compares with `Object.is` and looks at prototypes. */
export function isDeepEqual(a: unknown, b: unknown, strict: boolean): boolean {
  return equal(a, b, strict, []);
}

function equal(a: unknown, b: unknown, strict: boolean, path: [unknown, unknown][]): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) {
    return !strict && !isObject(a) && !isObject(b) && (a == b || (Number.isNaN(a) && Number.isNaN(b)));
  }
  if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (Object.prototype.toString.call(a) !== Object.prototype.toString.call(b)) return false;
  // Circles are equal if they close at the same place.
  if (path.some(([x, y]) => x === a && y === b)) return true;
  const inner: [unknown, unknown][] = [...path, [a, b]];
  return sameContent(a, b) && entries(a, b, strict, inner) && properties(a, b, strict, inner);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What is not among the properties: a date's time, an error's message, a boxed value. */
function sameContent(a: object, b: object): boolean {
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (a instanceof RegExp) return String(a) === String(b) && a.lastIndex === (b as RegExp).lastIndex;
  if (a instanceof Error) return a.message === (b as Error).message && a.name === (b as Error).name;
  if (a instanceof Number || a instanceof String || a instanceof Boolean) {
    return Object.is(a.valueOf(), b.valueOf());
  }
  if (a instanceof ArrayBuffer) {
    const [x, y] = [new Uint8Array(a), new Uint8Array(b as ArrayBuffer)];
    return x.length === y.length && x.every((byte, at) => byte === y[at]);
  }
  return !Array.isArray(a) || a.length === (b as unknown[]).length;
}

function entries(a: object, b: object, strict: boolean, path: [unknown, unknown][]): boolean {
  if (a instanceof Set) {
    const others = [...(b as Set<unknown>)];
    if (a.size !== others.length) return false;
    return [...a].every((each) => took(others, (other) => equal(each, other, strict, path)));
  }
  if (a instanceof Map) {
    const others = [...(b as Map<unknown, unknown>)];
    if (a.size !== others.length) return false;
    return [...a].every(([key, value]) =>
      took(others, ([k, v]) => equal(key, k, strict, path) && equal(value, v, strict, path)),
    );
  }
  return true;
}

/** Takes the first fitting one out of a list; false if there is none. */
function took<T>(list: T[], fits: (each: T) => boolean): boolean {
  const at = list.findIndex(fits);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}

function properties(a: object, b: object, strict: boolean, path: [unknown, unknown][]): boolean {
  const keys = keysOf(a, strict);
  if (keys.length !== keysOf(b, strict).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) &&
      equal((a as Record<PropertyKey, unknown>)[key], (b as Record<PropertyKey, unknown>)[key], strict, path),
  );
}

function keysOf(value: object, strict: boolean): PropertyKey[] {
  const symbols = Object.getOwnPropertySymbols(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key),
  );
  return strict ? [...Object.keys(value), ...symbols] : Object.keys(value);
}
