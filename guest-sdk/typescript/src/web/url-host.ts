/**
 * In the place of the package `tr46`, which turns the host of a URL into ASCII: here a
 * host must already be ASCII, because the tables for all others are 260 KB.
 */

/** The host in lower case, null if it is none. Throws a TypeError if it is not ASCII. */
export function toASCII(domain: string): string | null {
  // From percent-encoded bytes that are no text: refused by the standard as well.
  if (domain.includes('\ufffd')) return null;
  if (!/^[\0-\x7f]*$/.test(domain)) {
    throw new TypeError(
      `The host "${domain}" of a URL is not ASCII. Write it in punycode, as in "xn--mnchen-3ya.de".`,
    );
  }
  return domain.toLowerCase();
}
