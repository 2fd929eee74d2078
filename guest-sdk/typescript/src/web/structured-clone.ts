/** `structuredClone`, from @ungap/structured-clone. Nothing can be transferred. */

import { deserialize, serialize } from '@ungap/structured-clone';
import { DOMException } from './dom-exception.ts';

/**
 * A deep copy: of plain objects, arrays, maps, sets, dates, regular expressions, errors and
 * buffers, with what points in a circle. Throws a DataCloneError for functions and symbols.
 */
export function structuredClone<T>(value: T): T {
  try {
    return deserialize(serialize(value)) as T;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new DOMException(`This cannot be cloned: ${error.message}`, 'DataCloneError');
  }
}
