/**
 * `URL` and `URLSearchParams` from whatwg-url, the reference implementation of the URL
 * standard. Hosts outside ASCII are refused; see `url-host.ts`.
 */

import { URL as StandardURL, URLSearchParams as StandardURLSearchParams } from 'whatwg-url';

/** A URL as in browsers and Node. Throws a TypeError for what is no URL. */
export const URL: typeof globalThis.URL = StandardURL;

/** The parameters of a query, as in browsers and Node. */
export const URLSearchParams: typeof globalThis.URLSearchParams = StandardURLSearchParams;
