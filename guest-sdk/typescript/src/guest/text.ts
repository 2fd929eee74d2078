/**
 * Well-formed text: no half of a surrogate pair, which no UTF-8 can hold and on which the
 * engine traps. By the engine's own functions, because a pattern takes 70 ms a megabyte.
 */

/** What newer libraries declare of a string. */
interface WellFormedness {
  isWellFormed?(): boolean;
  toWellFormed?(): string;
}

/** Halves of surrogate pairs without the other half. */
const LONE_SURROGATES = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** Where the first half of a surrogate pair stands; -1 if there is none. */
export function loneSurrogateIn(text: string): number {
  const isWellFormed = (text as WellFormedness).isWellFormed?.() ?? false;
  return isWellFormed ? -1 : text.search(LONE_SURROGATES);
}

/** The text with U+FFFD in the place of each half of a surrogate pair. */
export function wellFormed(text: string): string {
  return (text as WellFormedness).toWellFormed?.() ?? text.replace(LONE_SURROGATES, '\uFFFD');
}
