import type { Row } from '../rows.ts';

type Options = Intl.DateTimeFormatOptions;

const DATES = [
  Date.UTC(2024, 0, 5, 22, 5, 9, 7),
  Date.UTC(2024, 10, 25, 0, 30, 0),
  Date.UTC(1999, 8, 30, 12, 0, 59, 999),
  Date.UTC(2025, 4, 1, 1, 1, 1),
];

const DAY: Options = { year: 'numeric', month: 'long', day: 'numeric' };

const OPTIONS: Options[] = [
  {},
  { dateStyle: 'full' },
  { dateStyle: 'long' },
  { dateStyle: 'medium' },
  { dateStyle: 'short' },
  { timeStyle: 'full' },
  { timeStyle: 'long' },
  { timeStyle: 'medium' },
  { timeStyle: 'short' },
  { dateStyle: 'full', timeStyle: 'short' },
  { dateStyle: 'long', timeStyle: 'long' },
  { dateStyle: 'medium', timeStyle: 'medium' },
  { dateStyle: 'short', timeStyle: 'short' },
  DAY,
  { ...DAY, weekday: 'long' },
  { ...DAY, month: 'short' },
  { ...DAY, month: 'short', day: '2-digit' },
  { ...DAY, month: '2-digit', day: '2-digit' },
  { ...DAY, month: 'numeric', weekday: 'short' },
  { ...DAY, month: 'short', weekday: 'short' },
  { weekday: 'short', month: 'short', day: 'numeric' },
  { weekday: 'long', month: 'long', day: 'numeric' },
  { month: 'short', day: 'numeric' },
  { month: 'long', year: 'numeric' },
  { month: 'short', year: '2-digit' },
  { month: 'numeric', day: 'numeric' },
  { month: '2-digit', year: 'numeric' },
  { year: 'numeric' },
  { month: 'long' },
  { month: 'short' },
  { month: '2-digit' },
  { day: 'numeric' },
  { day: '2-digit' },
  { weekday: 'long' },
  { weekday: 'short' },
  { weekday: 'long', day: 'numeric' },
  { hour: 'numeric' },
  { hour: '2-digit', minute: '2-digit' },
  { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  { hour: '2-digit', minute: '2-digit', hour12: false },
  { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  { minute: 'numeric' },
  { minute: '2-digit', second: '2-digit' },
  { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
  { ...DAY, month: 'short', hour: '2-digit', minute: '2-digit' },
  { ...DAY, hour: '2-digit', minute: '2-digit' },
  { ...DAY, month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false },
  { weekday: 'short', hour: '2-digit', minute: '2-digit' },
];

/** What other locales are here for: the plain methods. */
const PLAIN = ['en-CA', 'sv-SE', 'de-DE'];

const formatted = (locale: string | undefined, options?: Options) => (time: number) =>
  new Date(time).toLocaleString(locale, { timeZone: 'UTC', ...options });

export const rows: Row[] = [
  ...['en-US', 'en-GB'].flatMap((locale) =>
    OPTIONS.map((options): Row => [
      `${locale} ${JSON.stringify(options)}`,
      () => DATES.map(formatted(locale, options)),
    ]),
  ),
  ...PLAIN.map((locale): Row => [
    `plain ${locale}`,
    () => DATES.map((time) => {
      const date = new Date(time);
      return [date.toLocaleDateString(locale), date.toLocaleTimeString(locale), date.toLocaleString(locale)];
    }),
  ]),
  ...PLAIN.map((locale): Row => [
    `two digits ${locale}`,
    () => DATES.map(formatted(locale, { year: 'numeric', month: '2-digit', day: '2-digit' })),
  ]),
  ['no arguments', () => DATES.map((time) => [new Date(time).toLocaleString(), new Date(time).toLocaleDateString(), new Date(time).toLocaleTimeString()])],
  ['a date with an hour', () => new Date(DATES[0]!).toLocaleDateString('en-US', { hour: 'numeric' })],
  ['a time with a day', () => new Date(DATES[0]!).toLocaleTimeString('en-US', { year: 'numeric', month: 'numeric', day: 'numeric' })],
  ['invalid', () => [new Date(NaN).toLocaleString('en-US'), new Date(NaN).toLocaleDateString(), new Date(NaN).toLocaleTimeString()]],
  ['invalid format', () => new Intl.DateTimeFormat('en-US').format(new Date(NaN))],
  ['DateTimeFormat', () => new Intl.DateTimeFormat('en-US', { timeZone: 'UTC' }).format(DATES[0])],
  ['its zone', () => new Intl.DateTimeFormat('en-US').resolvedOptions().timeZone],
  ['parts', () => new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeStyle: 'short', hourCycle: 'h23', timeZone: 'UTC' }).formatToParts(DATES[0])],
  ['style beside field', () => new Date(0).toLocaleString('en-US', { dateStyle: 'short', year: 'numeric' })],
  ['unknown zone', () => new Date(0).toLocaleString('en-US', { timeZone: 'Nowhere/Else' })],
];
