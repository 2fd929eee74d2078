/** Gives numbers and dates a `toLocaleString` that knows locales and options. */

import { DateTimeFormat, type DateOptions } from '../date-format.ts';
import type { Locales } from '../locale.ts';
import { NumberFormat, type NumberOptions } from '../number-format.ts';
import { replace } from './replace.ts';

const number = {
  toLocaleString(this: number | bigint, locales?: Locales, options?: NumberOptions): string {
    return new NumberFormat(locales, options).format(this.valueOf());
  },
};

replace(Number.prototype, number);
replace(BigInt.prototype, number);
replace(Date.prototype, {
  toLocaleString(this: Date, locales?: Locales, options?: DateOptions): string {
    const format = new DateTimeFormat(locales, options, 'all');
    return Number.isNaN(this.getTime()) ? 'Invalid Date' : format.format(this);
  },
});
