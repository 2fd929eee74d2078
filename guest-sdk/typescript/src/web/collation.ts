/**
 * Text in the order of a dictionary, as `Intl.Collator` and `localeCompare` sort it: first
 * by letters, then by accents, then lower case before upper case. It follows the Unicode
 * collation algorithm with the root order; see `collation-table.ts` for what is in it.
 * Characters of other scripts come after, by code point.
 */

import { EXPANDED, FIRST_CURRENCY, FIRST_SYMBOL, MARKS, ORDER, SPACES } from './collation-table.ts';

/** What counts as a difference; the names are those of `Intl.Collator`. */
export interface CollatorOptions {
  /** `base`: letters; `accent`: and accents; `case`: letters and case; `variant`: all. */
  sensitivity?: 'base' | 'accent' | 'case' | 'variant';
  /** Whether numbers in the text are compared by their value: 2 before 10. */
  numeric?: boolean;
  /** Whether white space and punctuation count for nothing. */
  ignorePunctuation?: boolean;
  /** Which case comes first. */
  caseFirst?: 'upper' | 'lower' | 'false';
  /** Taken and ignored. */
  usage?: 'sort' | 'search';
  /** Taken and ignored. */
  localeMatcher?: 'lookup' | 'best fit';
}

/** Weights of a piece of text. A mark has no letter of its own: its primary is 0. */
interface Element {
  primary: number;
  secondary: number;
  tertiary: number;
}

/** Secondary weight of a letter without an accent; marks weigh more. */
const PLAIN = 1;
/** Secondary weight of a star in `EXPANDED`: more than any mark. */
const STAR = 1_000;
/** Primary weight of characters that are not in the table, to which the code point is added. */
const UNLISTED = 10_000;

/** Symbols other than currencies, which come behind them. */
const SYMBOL = /[\p{So}\p{Sm}]/u;
/** More than any code point: a code divided by it is a fraction, which keeps the order. */
const CODES = 0x110000;

/** How much a number weighs less than a digit that is none of a number, such as "²". */
const NUMBER_BELOW = 0.5;

/** Tertiary weights. */
const LOWER = 1;
const VARIANT = 2;
const UPPER = 3;
const UPPER_VARIANT = 4;

interface Tables {
  /** Elements by character. */
  known: Map<string, Element[]>;
  digit: number;
  symbol: number;
  /** The first currency. */
  currency: number;
  /** Primary weights by ASCII code, and whether it is an upper-case letter. */
  ascii: Uint16Array;
}

let tables: Tables | undefined;

/** The tables, made when they are first needed. */
function table(): Tables {
  if (tables) return tables;
  const known = new Map<string, Element[]>();
  const order = [...ORDER];
  order.forEach((each, at) => known.set(each, [element(at + 1, LOWER)]));
  MARKS.forEach((group, at) => {
    for (const digits of group.match(/../g)!) {
      const mark = String.fromCharCode(0x300 + parseInt(digits, 16));
      known.set(mark, [{ primary: 0, secondary: PLAIN + 1 + at, tertiary: LOWER }]);
    }
  });
  for (const [each, ...parts] of EXPANDED.map((text) => [...text])) {
    known.set(each!, expansion(parts, known));
  }
  for (const each of SPACES) known.set(each, [{ ...known.get(' ')![0]!, tertiary: VARIANT }]);
  const ascii = new Uint16Array(128);
  for (let code = 0; code < ascii.length; code++) {
    ascii[code] = known.get(String.fromCharCode(code).toLowerCase())?.[0]?.primary ?? 0;
  }
  const digit = order.indexOf('0') + 1;
  tables = { known, digit, symbol: order.indexOf(FIRST_SYMBOL) + 1, currency: order.indexOf(FIRST_CURRENCY) + 1, ascii };
  return tables;
}

function element(primary: number, tertiary: number): Element {
  return { primary, secondary: PLAIN, tertiary };
}

function expansion(parts: string[], known: Map<string, Element[]>): Element[] {
  const elements: Element[] = [];
  for (const part of parts) {
    const last = elements.at(-1);
    if (part !== '*') elements.push({ ...(known.get(part)?.[0] ?? unlisted(part)), tertiary: VARIANT });
    else if (last && last.secondary >= STAR) last.secondary++;
    else elements.push({ primary: 0, secondary: STAR, tertiary: VARIANT });
  }
  return elements;
}

/** A function that compares two texts: below 0 if the first comes first. */
export function comparer(options: CollatorOptions = {}): (a: string, b: string) => number {
  const { sensitivity = 'variant', caseFirst } = options;
  const special = options.numeric || options.ignorePunctuation;
  const upperFirst = caseFirst === 'upper';
  return (a, b) => {
    if (a === b) return 0;
    const quick = special || upperFirst ? undefined : compareAscii(a, b, sensitivity);
    if (quick !== undefined) return quick;
    return compareElements(elementsOf(a, options), elementsOf(b, options), sensitivity, upperFirst);
  };
}

/** Compares texts of printable ASCII, most of what is ever sorted; undefined for others. */
function compareAscii(a: string, b: string, sensitivity: string): number | undefined {
  const { ascii } = table();
  let letters = 0;
  let cases = 0;
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const x = at < a.length ? a.charCodeAt(at) : 0;
    const y = at < b.length ? b.charCodeAt(at) : 0;
    if ((x < 32 && at < a.length) || x > 126 || (y < 32 && at < b.length) || y > 126) {
      return undefined;
    }
    letters ||= ascii[x]! - ascii[y]!;
    // A capital has the lower code.
    if (!letters) cases ||= y - x;
  }
  const difference = letters || (sensitivity === 'case' || sensitivity === 'variant' ? cases : 0);
  return Math.sign(difference);
}

function elementsOf(text: string, options: CollatorOptions): Element[] {
  const { digit, symbol } = table();
  const elements: Element[] = [];
  let ignoring = false;
  for (const each of text.normalize('NFD')) {
    for (const element of elementsOfCharacter(each)) {
      if (options.ignorePunctuation) {
        if (element.primary > 0) ignoring = element.primary < symbol;
        if (ignoring) continue;
      }
      elements.push(element);
    }
  }
  return options.numeric ? withNumbers(elements, digit) : elements;
}

function elementsOfCharacter(character: string): readonly Element[] {
  const { known } = table();
  const found = known.get(character);
  if (found) return found;
  const lower = character.toLowerCase();
  if (lower !== character && [...lower].length === 1) {
    return elementsOfCharacter(lower).map((each) => ({
      ...each,
      tertiary: each.tertiary === VARIANT ? UPPER_VARIANT : UPPER,
    }));
  }
  if (/[\p{Cc}\p{Cf}]/u.test(character)) return [];
  if (/\p{M}/u.test(character)) {
    return [{ primary: 0, secondary: UNLISTED + character.codePointAt(0)!, tertiary: LOWER }];
  }
  const plain = character.normalize('NFKD');
  if (plain === character) return [unlisted(character)];
  return [...plain].flatMap(elementsOfCharacter).map((each) => ({ ...each, tertiary: VARIANT }));
}

/** A symbol, such as an emoji, stands with the other symbols; all else behind the letters. */
function unlisted(character: string): Element {
  const code = character.codePointAt(0)!;
  if (SYMBOL.test(character)) return element(table().currency - 1 + code / CODES, LOWER);
  if (/\p{Sc}/u.test(character)) return element(table().digit - 1 + code / CODES, LOWER);
  return element(UNLISTED + code, LOWER);
}

/** In the place of each number: that it is one, how many digits it has, and these. */
function withNumbers(elements: Element[], digit: number): Element[] {
  const isDigit = (each?: Element) =>
    each?.tertiary === LOWER && each.primary >= digit && each.primary < digit + 10;
  const all: Element[] = [];
  for (let at = 0; at < elements.length; ) {
    if (!isDigit(elements[at])) {
      all.push(elements[at++]!);
      continue;
    }
    let end = at;
    while (isDigit(elements[end])) end++;
    while (at < end - 1 && elements[at]!.primary === digit) at++;
    all.push(element(digit - NUMBER_BELOW, LOWER), element(end - at, LOWER));
    for (; at < end; at++) all.push(element(elements[at]!.primary, LOWER));
  }
  return all;
}

function compareElements(
  a: Element[],
  b: Element[],
  sensitivity: string,
  upperFirst: boolean,
): number {
  const letters = compareBy(a, b, (each) => each.primary);
  if (letters !== 0 || sensitivity === 'base') return letters;
  if (sensitivity !== 'case') {
    const accents = compareBy(a, b, (each) => each.secondary);
    if (accents !== 0 || sensitivity === 'accent') return accents;
  }
  const weight = (each: Element) => {
    const upper = each.tertiary >= UPPER;
    if (sensitivity === 'case') return each.primary === 0 ? 0 : upper !== upperFirst ? 2 : 1;
    return upperFirst && upper ? each.tertiary / (UPPER_VARIANT + 1) : each.tertiary;
  };
  return compareBy(a, b, weight);
}

/** Compares the weights that are not 0, one after the other. */
function compareBy(a: Element[], b: Element[], weight: (each: Element) => number): number {
  let x = 0;
  let y = 0;
  for (;;) {
    while (x < a.length && weight(a[x]!) === 0) x++;
    while (y < b.length && weight(b[y]!) === 0) y++;
    if (x === a.length || y === b.length) return Math.sign(a.length - x - (b.length - y));
    const difference = weight(a[x++]!) - weight(b[y++]!);
    if (difference !== 0) return Math.sign(difference);
  }
}
