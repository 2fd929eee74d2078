/**
 * `Intl.DateTimeFormat`, and what the `toLocale…` methods of dates stand on: English, and
 * plain numbers in the locales that people take for their order (`en-CA` and `sv-SE` for
 * year-month-day, `de-DE`). The time zone is UTC, or a fixed distance from it: the table
 * of all others is as large as the rest of a sync.
 */

import { datePattern, DATE_LOCALES, joint, type Part } from './date-pattern.ts';
import { localeOf, refused, type Locales } from './locale.ts';

type Digits = 'numeric' | '2-digit';
type Text = 'long' | 'short' | 'narrow';
type Style = 'full' | 'long' | 'medium' | 'short';

/** Options; the names and defaults are those of `Intl.DateTimeFormat`. */
export interface DateOptions {
  dateStyle?: Style;
  timeStyle?: Style;
  weekday?: Text;
  year?: Digits;
  month?: Digits | Text;
  day?: Digits;
  hour?: Digits;
  minute?: Digits;
  second?: Digits;
  fractionalSecondDigits?: 1 | 2 | 3;
  timeZoneName?: 'short' | 'long';
  timeZone?: string;
  hour12?: boolean;
  hourCycle?: 'h11' | 'h12' | 'h23' | 'h24';
}

/** What a method shows if its options name nothing: the date, the time, or both. */
export type Defaults = 'date' | 'time' | 'all';

const DATE_FIELDS = ['weekday', 'year', 'month', 'day'] as const;
const TIME_FIELDS = ['hour', 'minute', 'second', 'fractionalSecondDigits'] as const;

const DATE_STYLES: Readonly<Record<Style, DateOptions>> = {
  full: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' },
  long: { year: 'numeric', month: 'long', day: 'numeric' },
  medium: { year: 'numeric', month: 'short', day: 'numeric' },
  short: { year: '2-digit', month: 'numeric', day: 'numeric' },
};

const TIME_STYLES: Readonly<Record<Style, DateOptions>> = {
  full: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'long' },
  long: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
  medium: { hour: 'numeric', minute: '2-digit', second: '2-digit' },
  short: { hour: 'numeric', minute: '2-digit' },
};

const MINUTE_MS = 60_000;

/** Writes dates for people. Throws a RangeError for options and locales it does not have. */
export class DateTimeFormat {
  readonly #locale: string;
  readonly #options: DateOptions;
  readonly #zone: Zone;

  constructor(locales?: Locales, options: DateOptions = {}, defaults?: Defaults) {
    this.#locale = localeOf(locales);
    if (!DATE_LOCALES.includes(this.#locale)) throw refused('dates', this.#locale, DATE_LOCALES);
    this.#options = fieldsOf(options, this.#locale, defaults);
    this.#zone = zoneOf(options.timeZone);
  }

  /** Of the locales, those that dates can be written in. */
  static supportedLocalesOf(locales?: Locales): string[] {
    const all = typeof locales === 'string' ? [locales] : (locales ?? []);
    return all.filter((each) => DATE_LOCALES.includes(localeOf(each)));
  }

  /** The date as text. A getter, so that it can be passed on as a function. */
  get format(): (date?: Date | number) => string {
    return (date) => this.formatToParts(date).map((part) => part.value).join('');
  }

  /** The date as text, in pieces. Throws a RangeError for an invalid date. */
  formatToParts(date: Date | number = Date.now()): Part[] {
    const time = Number(date);
    if (!Number.isFinite(time)) throw new RangeError('Invalid time value');
    const shown = new Date(time + this.#zone.minutes * MINUTE_MS);
    const fields = this.#options;
    const days = datePattern(shown, fields, this.#locale);
    const hours = timeParts(shown, fields, this.#locale, this.#zone);
    if (days.length === 0 || hours.length === 0) return [...days, ...hours];
    return [...days, { type: 'literal', value: joint(fields, this.#locale) }, ...hours];
  }

  /** The options as they are in effect. */
  resolvedOptions(): DateOptions & { locale: string; calendar: string; numberingSystem: string } {
    const base = { locale: this.#locale, calendar: 'gregory', numberingSystem: 'latn' };
    return { ...base, ...this.#options, timeZone: this.#zone.name };
  }

  get [Symbol.toStringTag](): string {
    return 'Intl.DateTimeFormat';
  }
}

/** The fields that are shown: those of the options, of a style, or the usual ones. */
function fieldsOf(options: DateOptions, locale: string, defaults?: Defaults): DateOptions {
  const { dateStyle, timeStyle, ...fields } = options;
  if (dateStyle || timeStyle) {
    if ([...DATE_FIELDS, ...TIME_FIELDS].some((field) => options[field] !== undefined)) {
      throw new TypeError('dateStyle and timeStyle cannot stand beside single fields.');
    }
    if ((defaults === 'date' && timeStyle) || (defaults === 'time' && dateStyle)) {
      throw new TypeError('toLocaleDateString takes no timeStyle, toLocaleTimeString no dateStyle.');
    }
    const short = dateStyle === 'short' && locale === 'en-GB' ? ({ year: 'numeric' } as const) : {};
    return {
      ...fields,
      ...(dateStyle && { ...DATE_STYLES[dateStyle], ...short }),
      ...(timeStyle && TIME_STYLES[timeStyle]),
    };
  }
  const hasDate = DATE_FIELDS.some((field) => fields[field] !== undefined);
  const hasTime = TIME_FIELDS.some((field) => fields[field] !== undefined);
  const none = defaults === 'date' ? !hasDate : defaults === 'time' ? !hasTime : !hasDate && !hasTime;
  const date = none && defaults !== 'time';
  const time = none && (defaults === 'time' || defaults === 'all');
  return {
    ...fields,
    ...(date && { year: 'numeric', month: 'numeric', day: 'numeric' }),
    ...(time && { hour: 'numeric', minute: '2-digit', second: '2-digit' }),
  };
}

/** A time zone of a fixed distance from UTC. */
interface Zone {
  name: string;
  minutes: number;
  short: string;
  long: string;
}

function zoneOf(name: string = 'UTC'): Zone {
  if (/^(etc\/)?(utc|gmt|uct|zulu|universal|greenwich)$/i.test(name)) {
    return { name: 'UTC', minutes: 0, short: 'UTC', long: 'Coordinated Universal Time' };
  }
  const [, sign, hours, minutes = '00'] = /^([+-])([01]\d|2[0-3])(?::?([0-5]\d))?$/.exec(name) ?? [];
  if (!sign) {
    throw new RangeError(
      `A sync does not know the time zone "${name}". It has UTC and fixed ones such as "+02:00".`,
    );
  }
  const distance = Number(hours) * 60 + Number(minutes);
  const short = `GMT${sign}${Number(hours)}${minutes === '00' ? '' : `:${minutes}`}`;
  return {
    name: `${sign}${hours}:${minutes}`,
    minutes: sign === '-' ? -distance : distance,
    short,
    long: `GMT${sign}${hours}:${minutes}`,
  };
}

function timeParts(date: Date, fields: DateOptions, locale: string, zone: Zone): Part[] {
  const parts: Part[] = [];
  const add = (type: string, value: string, before: string) => {
    if (parts.length > 0) parts.push({ type: 'literal', value: before });
    parts.push({ type, value });
  };
  const cycle = cycleOf(fields, locale);
  if (fields.hour) add('hour', hourText(date.getUTCHours(), fields, cycle), '');
  if (fields.minute) {
    add('minute', digits(date.getUTCMinutes(), fields.hour || fields.second ? '2-digit' : 'numeric'), ':');
  }
  if (fields.second) add('second', digits(date.getUTCSeconds(), fields.minute ? '2-digit' : 'numeric'), ':');
  if (fields.fractionalSecondDigits) {
    const fraction = String(date.getUTCMilliseconds()).padStart(3, '0');
    add('fractionalSecond', fraction.slice(0, fields.fractionalSecondDigits), '.');
  }
  if (fields.hour && (cycle === 'h12' || cycle === 'h11')) {
    add('dayPeriod', dayPeriod(date.getUTCHours() < 12, locale), SPACE_BEFORE_PERIOD);
  }
  if (fields.timeZoneName) add('timeZoneName', zone[fields.timeZoneName], ' ');
  return parts;
}

/** Newer versions of ICU have a narrow no-break space here; V8 makes a plain one of it. */
const SPACE_BEFORE_PERIOD = ' ';

function cycleOf(fields: DateOptions, locale: string): string {
  const twelve = locale === 'en' || locale === 'en-US' || locale === 'en-CA';
  if (fields.hour12 === true) return 'h12';
  if (fields.hour12 === false) return twelve ? 'h24' : 'h23';
  return fields.hourCycle ?? (twelve ? 'h12' : 'h23');
}

function hourText(hour: number, fields: DateOptions, cycle: string): string {
  if (cycle === 'h12') return digits(hour % 12 || 12, fields.hour!);
  if (cycle === 'h11') return digits(hour % 12, fields.hour!);
  return digits(cycle === 'h24' ? hour || 24 : hour, '2-digit');
}

function dayPeriod(morning: boolean, locale: string): string {
  if (locale === 'en-CA') return morning ? 'a.m.' : 'p.m.';
  if (locale === 'en-GB') return morning ? 'am' : 'pm';
  return morning ? 'AM' : 'PM';
}

/** A number with two digits if so many are wanted. */
export function digits(value: number, wanted: Digits): string {
  return wanted === '2-digit' ? String(value % 100).padStart(2, '0') : String(value);
}
