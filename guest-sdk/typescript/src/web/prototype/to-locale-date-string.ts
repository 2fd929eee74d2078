/** Gives dates a `toLocaleDateString` that knows locales and options. */

import { DateTimeFormat, type DateOptions } from '../date-format.ts';
import type { Locales } from '../locale.ts';
import { replace } from './replace.ts';

replace(Date.prototype, {
  toLocaleDateString(this: Date, locales?: Locales, options?: DateOptions): string {
    const format = new DateTimeFormat(locales, options, 'date');
    return Number.isNaN(this.getTime()) ? 'Invalid Date' : format.format(this);
  },
});
