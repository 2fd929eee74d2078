/**
 * `Intl.NumberFormat`, and what `Number.prototype.toLocaleString` stands on: decimals,
 * percentages, currencies in English, and the compact notation in English.
 */

import { decimalOf, roundedAfterPoint, roundedTo, shifted, split, type Decimal } from './decimal.ts';
import { localeOf, refused, signsOf, type Locales, type NumberSigns } from './locale.ts';

/** Options; the names and defaults are those of `Intl.NumberFormat`. */
export interface NumberOptions {
  style?: 'decimal' | 'percent' | 'currency' | 'unit';
  currency?: string;
  currencyDisplay?: 'symbol' | 'narrowSymbol' | 'code' | 'name';
  currencySign?: 'standard' | 'accounting';
  minimumIntegerDigits?: number;
  minimumFractionDigits?: number;
  maximumFractionDigits?: number;
  minimumSignificantDigits?: number;
  maximumSignificantDigits?: number;
  useGrouping?: boolean | 'auto' | 'always' | 'min2' | 'true' | 'false';
  notation?: 'standard' | 'compact' | 'scientific' | 'engineering';
  compactDisplay?: 'short' | 'long';
  signDisplay?: 'auto' | 'always' | 'never' | 'exceptZero' | 'negative';
}

/** A piece of a formatted number, as `formatToParts` gives it. */
export interface NumberPart {
  type: string;
  value: string;
}

const NO_BREAK = '\u00a0';

/** Currencies with a symbol of their own in American English. Source: CLDR 44. */
const SYMBOLS: Readonly<Record<string, string>> = {
  USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹', CNY: 'CN¥', KRW: '₩', BRL: 'R$', CAD: 'CA$',
  AUD: 'A$', MXN: 'MX$', NZD: 'NZ$', HKD: 'HK$', TWD: 'NT$', ILS: '₪', VND: '₫', PHP: '₱',
  XAF: 'FCFA', XOF: 'F\u202fCFA', XCD: 'EC$', XPF: 'CFPF',
};

/** Symbols for `narrowSymbol`, where they differ. */
const NARROW: Readonly<Record<string, string>> = {
  CNY: '¥', CAD: '$', AUD: '$', MXN: '$', NZD: '$', HKD: '$', TWD: '$', RUB: '₽', TRY: '₺',
  UAH: '₴', PLN: 'zł', CZK: 'Kč', SEK: 'kr', NOK: 'kr', DKK: 'kr', HUF: 'Ft', THB: '฿', SGD: '$',
};

/** Digits after the point of currencies that do not have two. Source: ISO 4217. */
const DIGITS: Readonly<Record<string, number>> = {
  BHD: 3, BIF: 0, CLF: 4, CLP: 0, DJF: 0, GNF: 0, IQD: 3, ISK: 0, JOD: 3, JPY: 0, KMF: 0, KRW: 0,
  KWD: 3, LYD: 3, OMR: 3, PYG: 0, RWF: 0, TND: 3, UGX: 0, UYI: 0, UYW: 4, VND: 0, VUV: 0, XAF: 0,
  XOF: 0, XPF: 0,
};

/** English words of the compact notation, for each three digits. */
const COMPACT = { short: ['', 'K', 'M', 'B', 'T'], long: ['', 'thousand', 'million', 'billion', 'trillion'] };

/** Most digits that an option may ask for, after the point and in all. */
const DIGITS_MAX = 100;

/** Writes numbers for people. Throws a RangeError for options and locales it does not have. */
export class NumberFormat {
  readonly #locale: string;
  readonly #options: NumberOptions;
  readonly #signs: NumberSigns;
  readonly #fraction: readonly [least: number, most: number];

  constructor(locales?: Locales, options: NumberOptions = {}) {
    this.#locale = localeOf(locales);
    this.#options = options;
    this.#signs = signsOf(this.#locale);
    check(this.#locale, options);
    this.#fraction = fractionDigits(options);
  }

  /** Of the locales, those that numbers can be written in. */
  static supportedLocalesOf(locales?: Locales): string[] {
    const all = typeof locales === 'string' ? [locales] : (locales ?? []);
    return all.filter((each) => {
      try {
        return Boolean(signsOf(localeOf(each)));
      } catch {
        return false;
      }
    });
  }

  /** The number as text. A getter, so that it can be passed on as a function. */
  get format(): (value: number | bigint | string) => string {
    return (value) => this.formatToParts(value).map((part) => part.value).join('');
  }

  /** The number as text, in pieces. */
  formatToParts(value: number | bigint | string): NumberPart[] {
    const number = typeof value === 'bigint' ? value : Number(value);
    const { style } = this.#options;
    const body = this.#body(number);
    const zero = body.every((part) => /^[0.,\s]*$/.test(part.value));
    const negative = typeof number === 'bigint' ? number < 0n : number < 0 || Object.is(number, -0);
    const sign = this.#sign(negative, zero || Number.isNaN(Number(number)));
    if (style === 'percent') {
      const space = PERCENT_TIGHT.test(this.#locale) ? [] : [literal(NO_BREAK)];
      return [...sign, ...body, ...space, { type: 'percentSign', value: '%' }];
    }
    return style === 'currency' ? this.#money(sign, body) : [...sign, ...body];
  }

  /** The options as they are in effect. */
  resolvedOptions(): NumberOptions & { locale: string; numberingSystem: string } {
    const [least, most] = this.#fraction;
    return {
      locale: this.#locale,
      numberingSystem: 'latn',
      style: 'decimal',
      ...this.#options,
      minimumIntegerDigits: this.#options.minimumIntegerDigits ?? 1,
      minimumFractionDigits: least,
      maximumFractionDigits: most,
    };
  }

  get [Symbol.toStringTag](): string {
    return 'Intl.NumberFormat';
  }

  #body(number: number | bigint): NumberPart[] {
    if (Number.isNaN(number)) return [{ type: 'nan', value: 'NaN' }];
    if (typeof number === 'number' && !Number.isFinite(number)) {
      return [{ type: 'infinity', value: '∞' }];
    }
    const decimal = decimalOf(number);
    if (this.#options.notation === 'compact') return this.#compact(decimal);
    return this.#plain(shifted(decimal, this.#options.style === 'percent' ? 2 : 0));
  }

  #plain(decimal: Decimal): NumberPart[] {
    const { minimumIntegerDigits = 1, minimumSignificantDigits, maximumSignificantDigits } = this.#options;
    if (minimumSignificantDigits === undefined && maximumSignificantDigits === undefined) {
      const [least, most] = this.#fraction;
      return this.#digits(...split(roundedAfterPoint(decimal, most), minimumIntegerDigits, least));
    }
    const rounded = roundedTo(decimal, maximumSignificantDigits ?? DIGITS_MAX);
    const least = Math.max(0, (minimumSignificantDigits ?? 1) - (rounded.digits ? rounded.point : 1));
    return this.#digits(...split(rounded, minimumIntegerDigits, least));
  }

  #digits(before: string, after: string): NumberPart[] {
    const { decimal, group } = this.#signs;
    const parts: NumberPart[] = [];
    for (const [at, value] of this.#groups(before).entries()) {
      if (at > 0) parts.push({ type: 'group', value: group });
      parts.push({ type: 'integer', value });
    }
    if (after) parts.push({ type: 'decimal', value: decimal }, { type: 'fraction', value: after });
    return parts;
  }

  #groups(digits: string): string[] {
    const { useGrouping = true, notation } = this.#options;
    const least = useGrouping === 'min2' || notation === 'compact' ? 2 : this.#signs.groupFrom;
    const never = useGrouping === false || useGrouping === 'false';
    if (never || digits.length < 3 + (useGrouping === 'always' ? 1 : least)) return [digits];
    return digits.replace(/\B(?=(\d{3})+$)/g, ' ').split(' ');
  }

  /** Two digits of the number, or all before the point if these are more. */
  #compact(decimal: Decimal): NumberPart[] {
    const round = (power: number): Decimal => {
      const scaled = shifted(decimal, -3 * power);
      const given = this.#options.maximumFractionDigits ?? this.#options.minimumFractionDigits;
      if (given !== undefined) return roundedAfterPoint(scaled, this.#fraction[1]);
      return roundedTo(scaled, Math.max(2, scaled.point));
    };
    const words = COMPACT[this.#options.compactDisplay ?? 'short'];
    let power = Math.min(words.length - 1, Math.max(0, Math.ceil(decimal.point / 3) - 1));
    let rounded = round(power);
    if (rounded.point > 3 && power < words.length - 1) rounded = round(++power);
    const least = this.#options.minimumFractionDigits ?? 0;
    const parts = this.#digits(...split(rounded, 1, least));
    if (power === 0) return parts;
    const space = this.#options.compactDisplay === 'long' ? [literal(' ')] : [];
    return [...parts, ...space, { type: 'compact', value: words[power]! }];
  }

  #sign(negative: boolean, zero: boolean): NumberPart[] {
    const { signDisplay = 'auto' } = this.#options;
    const minus = { type: 'minusSign', value: this.#locale.startsWith('sv') ? '−' : '-' };
    const plus = { type: 'plusSign', value: '+' };
    if (signDisplay === 'never') return [];
    if (signDisplay === 'negative') return negative && !zero ? [minus] : [];
    if (signDisplay === 'exceptZero' && zero) return [];
    if (negative) return [minus];
    return signDisplay === 'auto' ? [] : [plus];
  }

  #money(sign: NumberPart[], body: NumberPart[]): NumberPart[] {
    const code = this.#options.currency!.toUpperCase();
    const symbol = symbolOf(code, this.#options.currencyDisplay, this.#locale);
    const spaced = /\p{L}$/u.test(symbol) && body[0]?.type === 'integer';
    const space = spaced ? [literal(NO_BREAK)] : [];
    const money = [{ type: 'currency', value: symbol }, ...space, ...body];
    if (this.#options.currencySign !== 'accounting' || sign[0]?.type !== 'minusSign') {
      return [...sign, ...money];
    }
    return [literal('('), ...money, literal(')')];
  }
}

/** Languages that write the percent sign right behind the number. */
const PERCENT_TIGHT = /^(en|it|ja|ko|nl|pt|zh)\b/;

function literal(value: string): NumberPart {
  return { type: 'literal', value };
}

function symbolOf(code: string, display: NumberOptions['currencyDisplay'], locale: string): string {
  if (display === 'code') return code;
  if (display === 'narrowSymbol') return NARROW[code] ?? SYMBOLS[code] ?? code;
  if (locale === 'en-GB') return { USD: 'US$', JPY: 'JP¥' }[code] ?? SYMBOLS[code] ?? code;
  return SYMBOLS[code] ?? code;
}

/** Locales in which currencies can be written. */
const MONEY = ['en', 'en-US', 'en-GB'];

function check(locale: string, options: NumberOptions): void {
  const { style = 'decimal', currency, currencyDisplay, notation = 'standard' } = options;
  if (style === 'unit' || notation === 'scientific' || notation === 'engineering') {
    throw new RangeError(`A sync cannot write numbers as ${style === 'unit' ? 'units' : notation}.`);
  }
  if (notation === 'compact' && !locale.startsWith('en')) throw refused('compact numbers', locale, ['en']);
  if (style !== 'currency') return;
  if (currency === undefined) throw new TypeError('The style "currency" needs the option "currency".');
  if (!/^[a-z]{3}$/i.test(currency)) throw new RangeError(`"${currency}" is not a currency's code.`);
  if (currencyDisplay === 'name') throw new RangeError('A sync cannot write the names of currencies.');
  if (!MONEY.includes(locale)) throw refused('currencies', locale, MONEY);
}

function fractionDigits(options: NumberOptions): [least: number, most: number] {
  const { style = 'decimal', currency = '', notation } = options;
  const money = style === 'currency' && notation !== 'compact';
  const usual = money ? (DIGITS[currency.toUpperCase()] ?? 2) : 0;
  const usualMost = style === 'decimal' && notation !== 'compact' ? 3 : usual;
  const least = digitOption('minimumFractionDigits', options.minimumFractionDigits);
  const most = digitOption('maximumFractionDigits', options.maximumFractionDigits);
  if (least !== undefined && most !== undefined && least > most) {
    throw new RangeError(`maximumFractionDigits is ${most}, less than minimumFractionDigits.`);
  }
  return [least ?? Math.min(usual, most ?? usual), most ?? Math.max(usualMost, least ?? 0)];
}

function digitOption(name: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const digits = Math.floor(Number(value));
  if (digits >= 0 && digits <= DIGITS_MAX) return digits;
  throw new RangeError(`${name} is ${String(value)}; it may be 0 to ${DIGITS_MAX}.`);
}
