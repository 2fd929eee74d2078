/** Gives dates a `toLocaleTimeString` that knows locales and options. */

import { DateTimeFormat, type DateOptions } from '../date-format.ts';
import type { Locales } from '../locale.ts';
import { replace } from './replace.ts';

replace(Date.prototype, {
  toLocaleTimeString(this: Date, locales?: Locales, options?: DateOptions): string {
    const format = new DateTimeFormat(locales, options, 'time');
    return Number.isNaN(this.getTime()) ? 'Invalid Date' : format.format(this);
  },
});
