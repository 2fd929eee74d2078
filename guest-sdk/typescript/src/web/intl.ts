/**
 * `Intl`, as small as it can be: numbers, dates and sorting in English, and numbers in
 * some more languages. What is missing here is `undefined`, as it is in an engine without.
 */

import { comparer, type CollatorOptions } from './collation.ts';
import { DateTimeFormat } from './date-format.ts';
import { localeOf, type Locales } from './locale.ts';
import { NumberFormat } from './number-format.ts';

/** Compares text; see `collation.ts`. The order is the root one, whatever the locale. */
class Collator {
  /** Compares two texts: below 0 if the first comes first. */
  readonly compare: (a: string, b: string) => number;
  readonly #locale: string;
  readonly #options: CollatorOptions;

  constructor(locales?: Locales, options: CollatorOptions = {}) {
    this.#locale = localeOf(locales);
    this.#options = options;
    this.compare = comparer(options);
  }

  static supportedLocalesOf(locales?: Locales): string[] {
    return typeof locales === 'string' ? [locales] : [...(locales ?? [])];
  }

  resolvedOptions(): CollatorOptions & { locale: string } {
    return {
      locale: this.#locale,
      usage: 'sort',
      sensitivity: 'variant',
      ignorePunctuation: false,
      numeric: false,
      caseFirst: 'false',
      ...this.#options,
    };
  }

  get [Symbol.toStringTag](): string {
    return 'Intl.Collator';
  }
}

/** The plural forms of English. */
class PluralRules {
  readonly #ordinal: boolean;

  constructor(_locales?: Locales, options: { type?: 'cardinal' | 'ordinal' } = {}) {
    this.#ordinal = options.type === 'ordinal';
  }

  /** The form that goes with a number: `one` or `other`; for 1st, 2nd, 3rd also `two`, `few`. */
  select(number: number): string {
    if (!this.#ordinal) return number === 1 ? 'one' : 'other';
    if (number % 100 >= 11 && number % 100 <= 13) return 'other';
    return { 1: 'one', 2: 'two', 3: 'few' }[number % 10] ?? 'other';
  }
}

/** Lets a class be called without `new`, as those of `Intl` can be. */
function callable<C extends new (...args: never[]) => object>(made: C): C & ((...args: ConstructorParameters<C>) => InstanceType<C>) {
  return new Proxy(made, {
    apply: (target, _self, args) => Reflect.construct(target, args) as object,
  }) as never;
}

/** What there is of `Intl`. */
export const Intl = {
  Collator: /* @__PURE__ */ callable(Collator),
  DateTimeFormat: /* @__PURE__ */ callable(DateTimeFormat),
  NumberFormat: /* @__PURE__ */ callable(NumberFormat),
  PluralRules,
  /** The locales in their usual spelling. */
  getCanonicalLocales(locales?: Locales): string[] {
    if (locales === undefined) return [];
    return (typeof locales === 'string' ? [locales] : [...locales]).map((each) => localeOf(each));
  },
};
