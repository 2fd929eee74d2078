/** A line of the run's log. */

import { emit, type Level } from 'tidegate:sync/log@0.1.0';

/** Writes `text` to the log; half a surrogate pair, which the host refuses, becomes U+FFFD. */
export function line(level: Level, text: string): void {
  emit(level, wellFormed(text), '');
}

/** Half of a surrogate pair without the other half. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** `text` with U+FFFD in the place of each half of a surrogate pair that stands alone. */
export function wellFormed(text: string): string {
  return text.replace(LONE, '\ufffd');
}
