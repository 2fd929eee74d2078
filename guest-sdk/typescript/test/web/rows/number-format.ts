import type { Row } from '../rows.ts';

type Options = Intl.NumberFormatOptions;

const VALUES = [
  0, -0, 1, -1, 12, 123, 999, 1000, 1234.5, 1234567.891, -9876543.21, 0.1, 0.125, 0.0005, 1.005, 2.675,
  -0.4, 0.5, 1.5, 2.5, 99.995, 999.9995, 1e21, 1.5e-10, 123456789012345680000, NaN, Infinity, -Infinity,
];

const OPTIONS: [string, Options?][] = [
  ['en-US'],
  ['en-US', { minimumFractionDigits: 2 }],
  ['en-US', { maximumFractionDigits: 0 }],
  ['en-US', { maximumFractionDigits: 1 }],
  ['en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 }],
  ['en-US', { minimumFractionDigits: 1, maximumFractionDigits: 4 }],
  ['en-US', { minimumIntegerDigits: 2 }],
  ['en-US', { useGrouping: false }],
  ['en-US', { maximumSignificantDigits: 3 }],
  ['en-US', { minimumSignificantDigits: 3 }],
  ['en-US', { minimumSignificantDigits: 2, maximumSignificantDigits: 4 }],
  ['en-US', { style: 'percent' }],
  ['en-US', { style: 'percent', maximumFractionDigits: 2 }],
  ['en-US', { style: 'currency', currency: 'USD' }],
  ['en-US', { style: 'currency', currency: 'usd', minimumFractionDigits: 0 }],
  ['en-US', { style: 'currency', currency: 'USD', maximumFractionDigits: 0 }],
  ['en-US', { style: 'currency', currency: 'EUR' }],
  ['en-US', { style: 'currency', currency: 'JPY' }],
  ['en-US', { style: 'currency', currency: 'CHF' }],
  ['en-US', { style: 'currency', currency: 'KWD' }],
  ['en-US', { style: 'currency', currency: 'CAD', currencyDisplay: 'narrowSymbol' }],
  ['en-US', { style: 'currency', currency: 'USD', currencyDisplay: 'code' }],
  ['en-US', { style: 'currency', currency: 'USD', currencySign: 'accounting' }],
  ['en-GB', { style: 'currency', currency: 'GBP' }],
  ['en-GB', { style: 'currency', currency: 'USD' }],
  ['en-US', { signDisplay: 'always' }],
  ['en-US', { signDisplay: 'never' }],
  ['en-US', { signDisplay: 'exceptZero' }],
  ['en-US', { notation: 'compact' }],
  ['en-US', { notation: 'compact', maximumFractionDigits: 1 }],
  ['en-US', { notation: 'compact', compactDisplay: 'long' }],
  ['en-GB'],
  ['de-DE'],
  ['fr-FR'],
  ['es-ES'],
  ['sv-SE'],
  ['de-DE', { style: 'percent' }],
];

function formats(locale: string, options?: Options): Row {
  return [
    `${locale} ${JSON.stringify(options)}`,
    () => VALUES.map((value) => value.toLocaleString(locale, options)),
  ];
}

/** Thousands of numbers of all sizes, so that rounding and grouping meet every case. */
function many(): number[] {
  const values: number[] = [];
  let state = 7;
  for (let at = 0; at < 2_000; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    values.push((state / 1000) * 10 ** ((state % 13) - 8) * (state % 3 === 0 ? -1 : 1));
  }
  return values;
}

export const rows: Row[] = [
  ...OPTIONS.map(([locale, options]) => formats(locale, options)),
  ['no arguments', () => (1234567.891).toLocaleString()],
  ['undefined', () => (1234.5).toLocaleString(undefined, { minimumFractionDigits: 2 })],
  ['a list of locales', () => (1234.5).toLocaleString(['en-US', 'de'])],
  ['bigint', () => [12345678901234567890n.toLocaleString('en-US'), (-5n).toLocaleString('en-US', { style: 'currency', currency: 'USD' })]],
  ['array', () => [1234.5, 'a', null, new Date(0).getTime()].toLocaleString()],
  ['random', () => many().map((value) => value.toLocaleString('en-US')).join(' ')],
  ['random, 2 digits', () => many().map((value) => value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })).join(' ')],
  ['random, 4 significant', () => many().map((value) => value.toLocaleString('en-US', { maximumSignificantDigits: 4 })).join(' ')],
  ['random, compact', () => many().map((value) => value.toLocaleString('en-US', { notation: 'compact' })).join(' ')],
  ['too many digits', () => (1).toLocaleString('en-US', { maximumFractionDigits: 101 })],
  ['minimum over maximum', () => (1).toLocaleString('en-US', { minimumFractionDigits: 4, maximumFractionDigits: 2 })],
  ['currency missing', () => (1).toLocaleString('en-US', { style: 'currency' })],
  ['no locale', () => (1).toLocaleString('no_locale')],
  ['NumberFormat', () => new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' }).format(-1234.5)],
  ['format passed on', () => [1, 2000].map(new Intl.NumberFormat('en-US').format)],
  ['called without new', () => Intl.NumberFormat('en-US').format(1e6)],
  ['parts', () => new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' }).formatToParts(-1234567.5)],
];
