/**
 * Locales that numbers and dates can be written in. An engine with ICU knows all; a sync
 * carries only these, and refuses others, because text in the wrong language or order is
 * worse than an error.
 */

/** How a locale writes numbers. */
export interface NumberSigns {
  decimal: string;
  group: string;
  /** Digits that the part before the first separator must have for there to be one. */
  groupFrom: number;
}

const NO_BREAK = '\u00a0';
const NARROW_NO_BREAK = '\u202f';

const COMMA_GROUPS: NumberSigns = { decimal: '.', group: ',', groupFrom: 1 };
const POINT_GROUPS: NumberSigns = { decimal: ',', group: '.', groupFrom: 1 };
const SPACE_GROUPS: NumberSigns = { decimal: ',', group: NO_BREAK, groupFrom: 1 };

/** By language. Source: CLDR 44. */
const SIGNS: Readonly<Record<string, NumberSigns>> = {
  en: COMMA_GROUPS,
  ja: COMMA_GROUPS,
  ko: COMMA_GROUPS,
  zh: COMMA_GROUPS,
  de: POINT_GROUPS,
  it: POINT_GROUPS,
  nl: POINT_GROUPS,
  es: { ...POINT_GROUPS, groupFrom: 2 },
  pt: POINT_GROUPS,
  fr: { ...SPACE_GROUPS, group: NARROW_NO_BREAK },
  sv: SPACE_GROUPS,
};

/** Locales of a listed language that write numbers otherwise. */
const OTHERWISE = ['de-AT', 'de-CH', 'de-LI', 'en-IN', 'en-ZA', 'es-MX', 'es-US', 'fr-CH', 'it-CH', 'pt-PT'];

/** The locale that a sync runs in. */
export const DEFAULT_LOCALE = 'en-US';

/** What `locales` arguments may be. */
export type Locales = string | readonly string[] | undefined;

/** The first of the locales, `en-US` if there is none. Throws a RangeError for no locale. */
export function localeOf(locales: Locales): string {
  const first = typeof locales === 'string' ? locales : locales?.[0];
  if (first === undefined) return DEFAULT_LOCALE;
  if (!/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(first)) {
    throw new RangeError(`"${first}" is not a locale: write it as in "en-US".`);
  }
  const [language, ...parts] = first.split('-');
  const region = parts.map((part) => (part.length === 2 ? part.toUpperCase() : part));
  return [language!.toLowerCase(), ...region].join('-');
}

/** How a locale writes numbers. Throws a RangeError for one that is not here. */
export function signsOf(locale: string): NumberSigns {
  const signs = SIGNS[locale.split('-')[0]!];
  if (!signs || OTHERWISE.includes(locale)) throw refused('numbers', locale, Object.keys(SIGNS));
  return signs;
}

/** An error that says which locales there are instead. */
export function refused(what: string, locale: string, there: readonly string[]): RangeError {
  return new RangeError(
    `A sync cannot write ${what} in the locale "${locale}". It has ${there.join(', ')}.`,
  );
}
