/**
 * In the place of the package `tr46`, which turns the host of a URL into ASCII: here a
 * host must already be ASCII, because the tables for all others are 260 KB.
 */

/** The host in lower case. Throws a TypeError if it is not ASCII. */
export function toASCII(domain: string): string {
  if (!/^[\0-\x7f]*$/.test(domain)) {
    throw new TypeError(
      `The host "${domain}" of a URL is not ASCII. Write it in punycode, as in "xn--mnchen-3ya.de".`,
    );
  }
  return domain.toLowerCase();
}
