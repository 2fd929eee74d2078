/** The days of a date in the order and the words of a locale. Source: CLDR 44. */

import { digits, type DateOptions } from './date-format.ts';

/** A piece of a formatted date, as `formatToParts` gives it. */
export interface Part {
  type: string;
  value: string;
}

/** Locales that dates can be written in; the last three only with numbers. */
export const DATE_LOCALES = ['en', 'en-US', 'en-GB', 'en-CA', 'sv-SE', 'de-DE'];

const ONLY_NUMBERS = ['sv-SE', 'de-DE'];

const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October',
  'November', 'December',
];

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** The days of `date`, read in UTC. */
export function datePattern(date: Date, fields: DateOptions, locale: string): Part[] {
  const texts = textsOf(date, fields, locale);
  const { weekday, year, month, day } = texts;
  if (month && /^\d/.test(month.value)) return numbers(texts, fields, locale);
  if (!month) return alone(texts, locale);
  if (locale === 'en-GB') {
    const before = weekday && day ? [weekday, literal(year ? ', ' : ' ')] : [];
    return [...before, ...spaced(' ', day, month, year, day ? undefined : weekday)];
  }
  const before = weekday && day ? [weekday, literal(', ')] : [];
  const after = year ? [literal(day ? ', ' : ' '), year] : [];
  return [...before, ...spaced(' ', month, day), ...after, ...(day ? [] : spaced(' ', undefined, weekday))];
}

/** What stands between the days and the time. */
export function joint(fields: DateOptions, locale: string): string {
  if (locale === 'sv-SE') return ' ';
  if (fields.month === 'long' && fields.day) return ' at ';
  return fields.weekday && !fields.day && !fields.month && !fields.year ? ' ' : ', ';
}

interface Texts {
  weekday?: Part;
  year?: Part;
  month?: Part;
  day?: Part;
}

function textsOf(date: Date, fields: DateOptions, locale: string): Texts {
  const texts: Texts = {};
  const { weekday, month } = fields;
  if ((weekday || /^[lsn][^u]/.test(month ?? '')) && ONLY_NUMBERS.includes(locale)) {
    throw new RangeError(`A sync has no words for days and months in the locale "${locale}".`);
  }
  if (weekday) {
    texts.weekday = { type: 'weekday', value: word(WEEKDAYS[date.getUTCDay()]!, weekday, locale) };
  }
  if (month) {
    const at = date.getUTCMonth();
    const value = month === 'numeric' || month === '2-digit' ? digits(at + 1, month) : word(MONTHS[at]!, month, locale);
    texts.month = { type: 'month', value };
  }
  if (fields.year) texts.year = { type: 'year', value: digits(date.getUTCFullYear(), fields.year) };
  if (fields.day) texts.day = { type: 'day', value: digits(date.getUTCDate(), fields.day) };
  return texts;
}

function word(whole: string, width: 'long' | 'short' | 'narrow', locale: string): string {
  if (width === 'long') return whole;
  if (width === 'narrow') return whole.slice(0, 1);
  return whole === 'September' && locale === 'en-GB' ? 'Sept' : whole.slice(0, 3);
}

function numbers({ weekday, year, month, day }: Texts, fields: DateOptions, locale: string): Part[] {
  const two = (part?: Part) => part && { ...part, value: part.value.padStart(2, '0') };
  const before = weekday ? [weekday, literal(', ')] : [];
  const whole = [year, month, day].filter(Boolean).length > 1;
  switch (whole ? locale : '') {
    case 'en-GB':
      return [...before, ...spaced('/', two(day), two(month), year)];
    case 'en-CA':
      return [...before, ...spaced('-', year, two(month), two(day))];
    case 'sv-SE':
      return year ? spaced('-', year, two(month), two(day)) : spaced('/', day, month);
    case 'de-DE':
      return day
        ? [...spaced('.', day, month), literal('.'), ...(year ? [year] : [])]
        : spaced(fields.month === '2-digit' ? '.' : '/', month, year);
    default:
      return [...before, ...spaced('/', month, day, year)];
  }
}

function alone({ weekday, year, day }: Texts, locale: string): Part[] {
  if (year && day) return [year, literal(' (day: '), day, literal(')')];
  if (locale === 'en-GB' && !year) return spaced(' ', weekday, day);
  return spaced(' ', year, day, weekday);
}

function spaced(between: string, ...parts: (Part | undefined)[]): Part[] {
  return parts
    .filter((part) => part !== undefined)
    .flatMap((part, at) => (at > 0 ? [literal(between), part] : [part]));
}

function literal(value: string): Part {
  return { type: 'literal', value };
}
