/** Gives strings a `localeCompare` in dictionary order. */

import { comparer, type CollatorOptions } from '../collation.ts';
import { replace } from './replace.ts';

const usual = comparer();

replace(String.prototype, {
  localeCompare(this: string, other: string, _locales?: unknown, options?: CollatorOptions): number {
    const compare = options ? comparer(options) : usual;
    return compare(String(this), String(other));
  },
});
