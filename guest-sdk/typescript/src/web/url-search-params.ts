/** `URLSearchParams`, on the form encoding of whatwg-url. */

import './text-globals.ts';
import urlencoded from 'whatwg-url/lib/urlencoded.js';

type Pair = [name: string, value: string];

/** What `new URLSearchParams` takes. */
export type ParamsInit =
  | string
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string>>
  | undefined;

/** The parameters of a URL: `changed` is called with the new query when they change. */
export let linked: (query: string, changed: (query: string) => void) => URLSearchParams;

/** Reads the parameters of a URL anew, without calling `changed`. */
export let reload: (params: URLSearchParams, query: string) => void;

/** The parameters of a query, in order; a name may be there more than once. */
export class URLSearchParams {
  #pairs: Pair[];
  #changed: ((query: string) => void) | undefined;

  constructor(init?: ParamsInit) {
    this.#pairs = pairsOf(init);
  }

  static {
    linked = (query, changed) => {
      const params = new URLSearchParams();
      params.#pairs = urlencoded.parseUrlencodedString(query);
      params.#changed = changed;
      return params;
    };
    reload = (params, query) => {
      params.#pairs = urlencoded.parseUrlencodedString(query);
    };
  }

  /** How many there are. */
  get size(): number {
    return this.#pairs.length;
  }

  append(name: string, value: string): void {
    this.#pairs.push([String(name), String(value)]);
    this.#update();
  }

  /** Takes away all of a name, or those with a value. */
  delete(name: string, value?: string): void {
    const gone = matching(name, value);
    // The same array: a loop over it goes on with the one after, as the standard says.
    for (let at = this.#pairs.length - 1; at >= 0; at--) {
      if (gone(this.#pairs[at]!)) this.#pairs.splice(at, 1);
    }
    this.#update();
  }

  get(name: string): string | null {
    return this.#pairs.find(matching(name))?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return this.#pairs.filter(matching(name)).map(([, value]) => value);
  }

  has(name: string, value?: string): boolean {
    return this.#pairs.some(matching(name, value));
  }

  /** Gives a name one value, in the place of its first one. */
  set(name: string, value: string): void {
    const same = matching(name);
    const first = this.#pairs.find(same);
    if (first) first[1] = String(value);
    else this.#pairs.push([String(name), String(value)]);
    for (let at = this.#pairs.length - 1; at >= 0; at--) {
      const pair = this.#pairs[at]!;
      if (first && pair !== first && same(pair)) this.#pairs.splice(at, 1);
    }
    this.#update();
  }

  /** Sorts by name, in the order of UTF-16 code units. */
  sort(): void {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#update();
  }

  forEach(call: (value: string, name: string, all: this) => void, self?: unknown): void {
    for (const [name, value] of this) call.call(self, value, name, this);
  }

  *entries(): IterableIterator<Pair> {
    for (let at = 0; at < this.#pairs.length; at++) yield [...this.#pairs[at]!];
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): IterableIterator<Pair> {
    return this.entries();
  }

  toString(): string {
    return urlencoded.serializeUrlencoded(this.#pairs);
  }

  get [Symbol.toStringTag](): string {
    return 'URLSearchParams';
  }

  /** As Node shows them in the log. */
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    const shown = this.#pairs.map(([name, value]) => {
      return `${inspect(name, options)} => ${inspect(value, options)}`;
    });
    return shown.length > 0 ? `URLSearchParams { ${shown.join(', ')} }` : 'URLSearchParams {}';
  }

  #update(): void {
    this.#changed?.(this.toString());
  }
}

function matching(name: string, value?: string): (pair: Pair) => boolean {
  return (pair) => {
    return pair[0] === String(name) && (value === undefined || pair[1] === String(value));
  };
}

function pairsOf(init: ParamsInit): Pair[] {
  if (init === undefined || init === null) {
    return init === undefined ? [] : urlencoded.parseUrlencodedString('null');
  }
  if (typeof init !== 'object' && typeof init !== 'function') {
    return urlencoded.parseUrlencodedString(String(init).replace(/^\?/, ''));
  }
  if (!(Symbol.iterator in init)) {
    return Object.entries(init).map(([name, value]) => [name, String(value)]);
  }
  return Array.from(init as Iterable<Iterable<string>>, (each) => {
    const pair = [...each].map(String);
    if (pair.length === 2) return pair as Pair;
    throw new TypeError('URLSearchParams takes pairs of a name and a value.');
  });
}
