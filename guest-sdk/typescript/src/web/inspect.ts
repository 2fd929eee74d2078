/**
 * Values as text for people, as Node's `util.inspect` writes them. Left out: colours, the
 * columns of long arrays of numbers, and what an engine does not show (the state of a
 * promise, the target of a proxy).
 */

/** How deep and how much to show; the names and defaults are Node's. */
export interface InspectOptions {
  /** Levels of objects in objects to show: 2 unless told; `null` or `Infinity` for all. */
  depth?: number | null;
  /** Elements of an array, map or set to show. */
  maxArrayLength?: number | null;
  /** Characters of a string to show. */
  maxStringLength?: number | null;
  /** Width from which an object goes over several lines. */
  breakLength?: number;
  /** How many inner levels may stand on one line; `false` for none. */
  compact?: number | boolean;
  /** Sorts the keys. */
  sorted?: boolean | ((a: string, b: string) => number);
  /** Taken and ignored. */
  colors?: boolean;
  /** Taken and ignored. */
  showHidden?: boolean;
}

/** A method under this symbol takes the place of the usual text, as on Node. */
export const custom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

const DEFAULTS = {
  depth: 2 as number | null,
  maxArrayLength: 100 as number | null,
  maxStringLength: 10_000 as number | null,
  breakLength: 80,
  compact: 3 as number | boolean,
  sorted: false as boolean | ((a: string, b: string) => number),
};

/** Shortest string that may be written as several, one for each of its lines. */
const SPLIT_FROM = 16;

/** What the brackets and separators round an object's parts are taken to be wide. */
const BRACKET_WIDTH = 10;

interface Context extends Required<Omit<InspectOptions, 'colors' | 'showHidden'>> {
  /** Objects that are being written, outermost first. */
  path: object[];
  /** Objects that something inside them points back to, with their number. */
  circular: Map<object, number>;
  indentation: number;
  /** Depth of the object that was written last. */
  lastDepth: number;
}

/** `value` as text. */
export function inspect(value: unknown, options: InspectOptions = {}): string {
  const context: Context = {
    ...DEFAULTS,
    ...options,
    path: [],
    circular: new Map(),
    indentation: 0,
    lastDepth: 0,
  };
  return write(value, context, 0, true);
}
inspect.custom = custom;

function write(value: unknown, context: Context, depth: number, typed = false): string {
  if (typeof value === 'string') return writeString(value, context, !typed);
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
    return writeObject(value, context, depth);
  }
  return String(value);
}

function writeString(value: string, context: Context, nested: boolean): string {
  const max = context.maxStringLength ?? Infinity;
  const more = value.length - max;
  const text = more > 0 ? value.slice(0, max) : value;
  const tail = more > 0 ? `... ${more} more character${more > 1 ? 's' : ''}` : '';
  const room = context.breakLength - context.indentation - 4;
  if (nested && context.compact !== true && text.length > SPLIT_FROM && text.length > room) {
    const lines = text.split(/(?<=\n)/).map(quote);
    return lines.join(` +\n${' '.repeat(context.indentation)}`) + tail;
  }
  return quote(text) + tail;
}

const ESCAPES: Record<string, string> = {
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '\\': '\\\\',
};

/** In the quotes that need the least escapes, single ones first. */
function quote(text: string): string {
  let mark = "'";
  if (text.includes("'")) {
    if (!text.includes('"')) mark = '"';
    else if (!text.includes('`') && !text.includes('${')) mark = '`';
  }
  const escaped = text.replace(
    /[\0-\x1f\\\x7f-\x9f']|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (each) => {
      if (each === "'") return mark === "'" ? "\\'" : each;
      const code = each.charCodeAt(0).toString(16).toUpperCase();
      return ESCAPES[each] ?? (code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`);
    },
  );
  return mark + escaped + mark;
}

function writeObject(value: object, context: Context, depth: number): string {
  const own = (value as { [custom]?: unknown })[custom];
  if (typeof own === 'function' && own !== inspect) {
    const left = context.depth === null ? Infinity : context.depth - depth;
    const text: unknown = own.call(value, left, { ...context, depth: left }, inspect);
    if (typeof text === 'string') return text.replaceAll('\n', `\n${' '.repeat(context.indentation)}`);
    if (text !== value) return write(text, context, depth);
  }
  if (context.path.includes(value)) {
    const number = context.circular.get(value) ?? context.circular.size + 1;
    context.circular.set(value, number);
    return `[Circular *${number}]`;
  }
  return writeParts(value, context, depth);
}

function writeParts(value: object, context: Context, depth: number): string {
  const shape = shapeOf(value, context);
  const keys = keysOf(value, shape, context);
  if (keys.length === 0 && !shape.parts) return shape.empty;
  if (depth > (context.depth ?? Infinity)) {
    return `[${Array.isArray(value) ? 'Array' : nameOf(value)}]`;
  }
  context.path.push(value);
  context.lastDepth = depth;
  const parts = shape.parts?.(context, depth + 1) ?? [];
  for (const key of keys) parts.push(writeProperty(value, key, context, depth + 1));
  context.path.pop();
  const reference = context.circular.get(value);
  if (reference === undefined) return join(parts, shape, context, depth);
  const marked = { ...shape, base: `<ref *${reference}> ${shape.base}`, spare: 1 };
  return join(parts, marked, context, depth);
}

/** How an object is written: what stands before its parts, round them, and beside its keys. */
interface Shape {
  /** Text before the opening bracket, with its space. */
  base: string;
  open: string;
  close: string;
  /** Text in the place of all if there are neither parts nor keys. */
  empty: string;
  /** Elements and entries that are not properties. */
  parts?: (context: Context, depth: number) => string[];
  /** Characters of `base` that do not count for its width, as Node counts it. */
  spare?: number;
  /** Whether indices are among the parts. */
  indexed?: boolean;
}

function shapeOf(value: object, context: Context): Shape {
  const name = nameOf(value);
  if (Array.isArray(value)) {
    const base = name === 'Array' ? '' : `${name}(${value.length}) `;
    return list(base, value.length, (context, depth) => elements(value, context, depth));
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const numbers = value as unknown as ArrayLike<unknown>;
    const all = (context: Context, depth: number) => elements(numbers, context, depth);
    return list(`${name}(${numbers.length}) `, numbers.length, all);
  }
  if (value instanceof Map) return braces(`${name}(${value.size}) `, value.size > 0 && entriesOf(value));
  if (value instanceof Set) return braces(`${name}(${value.size}) `, value.size > 0 && membersOf(value));
  if (value instanceof ArrayBuffer) return braces(`${name} `, bytesOf(value));
  if (value instanceof WeakMap || value instanceof WeakSet) {
    return braces(`${name} `, () => ['<items unknown>']);
  }
  const base = baseOf(value, name, context);
  if (base !== undefined) return { base: `${base} `, open: '{', close: '}', empty: base, spare: 1 };
  return braces(name === 'Object' ? '' : `${name} `, false);
}

function list(base: string, length: number, parts: NonNullable<Shape['parts']>): Shape {
  const shape: Shape = { base, open: '[', close: ']', empty: `${base}[]`, indexed: true };
  if (length > 0) shape.parts = parts;
  return shape;
}

function braces(base: string, parts: Shape['parts'] | false): Shape {
  const shape: Shape = { base, open: '{', close: '}', empty: `${base}{}` };
  if (parts) shape.parts = parts;
  return shape;
}

/** What an object is called: its class, and its tag if that says something else. */
function nameOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  const tag = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  let name = prototype === null ? `[${typeName(value)}: null prototype]` : '';
  for (let up = prototype; up && !name; up = Object.getPrototypeOf(up)) {
    const made = Object.getOwnPropertyDescriptor(up, 'constructor')?.value as unknown;
    if (typeof made === 'function') name = made.name;
  }
  if (!name) name = 'Object';
  return typeof tag === 'string' && tag !== '' && tag !== name ? `${name} [${tag}]` : name;
}

function typeName(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

/** The text of an object that has one of its own beside its properties. */
function baseOf(value: object, name: string, context: Context): string | undefined {
  if (typeof value === 'function') return functionText(value, name);
  if (value instanceof Error) return errorText(value, context);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return RegExp.prototype.toString.call(value);
  if (value instanceof Number || value instanceof Boolean || value instanceof BigInt) {
    return `[${name}: ${write(value.valueOf(), context, 0)}]`;
  }
  if (value instanceof String) return `[${name}: ${quote(value.valueOf())}]`;
  if (value instanceof Symbol) return `[${name}: ${value.toString()}]`;
  return undefined;
}

function functionText(value: object, name: string): string {
  const own = (value as { name?: unknown }).name;
  const source = Function.prototype.toString.call(value);
  if (source.startsWith('class') && source.endsWith('}')) {
    const parent = (Object.getPrototypeOf(value) as { name?: string } | null)?.name;
    return `[class ${own || '(anonymous)'}${parent ? ` extends ${parent}` : ''}]`;
  }
  return `[${name.replace(/ \[.*/, '')}${own ? `: ${String(own)}` : ' (anonymous)'}]`;
}

/** The error's name and message, and its stack: QuickJS keeps only the frames there. */
function errorText(error: Error, context: Context): string {
  const title = String(Error.prototype.toString.call(error));
  const stack = typeof error.stack === 'string' ? error.stack.trimEnd() : '';
  if (!stack) return `[${title}]`;
  const whole = /^\s+at /.test(stack) ? `${title}\n${stack}` : stack;
  const text = whole.includes('\n    at') ? whole : `[${whole}]`;
  return text.replaceAll('\n', `\n${' '.repeat(context.indentation)}`);
}

/** Properties of an error that its text holds already. */
const IN_ERROR_TEXT = new Set(['name', 'message', 'stack']);

function keysOf(value: object, shape: Shape, context: Context): (string | symbol)[] {
  let keys = Object.keys(value);
  if (shape.indexed) keys = keys.filter((key) => !/^(0|[1-9]\d*)$/.test(key));
  if (value instanceof String) keys = keys.slice(value.length);
  if (value instanceof Error) {
    keys = keys.filter((key) => !IN_ERROR_TEXT.has(key));
    for (const hidden of ['cause', 'errors']) {
      if (Object.hasOwn(value, hidden) && !keys.includes(hidden)) keys.push(hidden);
    }
  }
  if (context.sorted) keys.sort(context.sorted === true ? undefined : context.sorted);
  const symbols = Object.getOwnPropertySymbols(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key),
  );
  return [...keys, ...symbols];
}

function writeProperty(
  value: object,
  key: string | symbol,
  context: Context,
  depth: number,
): string {
  const property = Object.getOwnPropertyDescriptor(value, key);
  let text: string;
  if (property?.get) text = property.set ? '[Getter/Setter]' : '[Getter]';
  else if (property?.set) text = '[Setter]';
  else text = indented(context, 2, () => write(property?.value, context, depth));
  return `${keyText(key, property)}: ${text}`;
}

function keyText(key: string | symbol, property: PropertyDescriptor | undefined): string {
  if (typeof key === 'symbol') return `[${key.toString()}]`;
  if (property?.enumerable === false) return `[${key}]`;
  return /^[a-zA-Z_][a-zA-Z_0-9]*$/.test(key) ? key : quote(key);
}

function indented<T>(context: Context, by: number, call: () => T): T {
  context.indentation += by;
  try {
    return call();
  } finally {
    context.indentation -= by;
  }
}

function elements(value: ArrayLike<unknown>, context: Context, depth: number): string[] {
  const max = Math.max(0, context.maxArrayLength ?? Infinity);
  const parts: string[] = [];
  let at = 0;
  while (at < value.length && parts.length < max) {
    let gap = at;
    while (gap < value.length && !(gap in value)) gap++;
    if (gap > at) {
      parts.push(`<${gap - at} empty item${gap - at > 1 ? 's' : ''}>`);
      at = gap;
    } else {
      parts.push(indented(context, 2, () => write(value[at], context, depth)));
      at++;
    }
  }
  return withRest(parts, value.length - at);
}

function entriesOf(map: Map<unknown, unknown>): NonNullable<Shape['parts']> {
  return (context, depth) =>
    limited(map, map.size, context, ([key, value]) => {
      return `${write(key, context, depth)} => ${write(value, context, depth)}`;
    });
}

function membersOf(set: Set<unknown>): NonNullable<Shape['parts']> {
  return (context, depth) => limited(set, set.size, context, (each) => write(each, context, depth));
}

function limited<T>(
  all: Iterable<T>,
  size: number,
  context: Context,
  text: (each: T) => string,
): string[] {
  const max = Math.max(0, context.maxArrayLength ?? Infinity);
  const parts: string[] = [];
  for (const each of all) {
    if (parts.length >= max) break;
    parts.push(indented(context, 2, () => text(each)));
  }
  return withRest(parts, size - parts.length);
}

function withRest(parts: string[], left: number): string[] {
  if (left > 0) parts.push(`... ${left} more item${left > 1 ? 's' : ''}`);
  return parts;
}

/** Bytes of a buffer that are shown, as on Node. */
const BYTES_SHOWN = 50;

function bytesOf(buffer: ArrayBuffer): NonNullable<Shape['parts']> {
  return () => {
    const shown = [...new Uint8Array(buffer, 0, Math.min(BYTES_SHOWN, buffer.byteLength))];
    const more = buffer.byteLength - shown.length;
    const hex = shown.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const rest = more > 0 ? ` ... ${more} more byte${more > 1 ? 's' : ''}` : '';
    return [`[Uint8Contents]: <${hex}${rest}>`, `byteLength: ${buffer.byteLength}`];
  };
}

/** The parts on one line if they are few, flat and short enough, else one a line. */
function join(parts: string[], shape: Shape, context: Context, depth: number): string {
  const flat = context.compact === true || context.lastDepth - depth < Number(context.compact);
  if (flat) {
    const width =
      parts.reduce((sum, part) => sum + part.length, 0) +
      2 * parts.length +
      context.indentation +
      shape.open.length +
      shape.base.length -
      (shape.spare ?? 0) +
      BRACKET_WIDTH;
    const line = parts.join(', ');
    if (width <= context.breakLength && !line.includes('\n') && !shape.base.includes('\n')) {
      return `${shape.base}${shape.open} ${line} ${shape.close}`;
    }
  }
  const indent = `\n${' '.repeat(context.indentation)}`;
  return `${shape.base}${shape.open}${indent}  ${parts.join(`,${indent}  `)}${indent}${shape.close}`;
}
