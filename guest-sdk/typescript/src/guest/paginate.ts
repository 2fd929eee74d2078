/**
 * Page after page, until the provider says that there are no more.
 *
 * A page that comes twice is an error and not an end: ending there would leave out
 * records, and a delete pass would then take them for deleted.
 */
import type * as z from 'zod';
import * as run from './run.ts';
import { TidegateError, callSite, calledAt, refused } from './errors.ts';
import { linkIn } from './link.ts';
import { parse } from './parse.ts';
import { at } from './path.ts';
import { type RequestOptions, jsonOf, request, unexpectedBody } from './request.ts';

/**
 * How a provider numbers its pages, in the form that an integration's `pagination` has too.
 *
 * | the provider says | `type` |
 * |---|---|
 * | "pass `next_cursor` as `cursor`" | `cursor` |
 * | `Link: <…>; rel="next"` in a header | `link` |
 * | the next URL in the body | `link`, with `next` |
 * | "skip this many records" | `offset` |
 * | "page 1, 2, 3 …" | `page` |
 *
 * `next` and `items` are paths in the body: `response_metadata.next_cursor`,
 * `data.0.items`. Without `items` the body is the list.
 */
export type Paging =
  | (PagingBase & { type: 'cursor'; param: string; next: string })
  | (PagingBase & { type: 'link'; next?: string })
  | (PagingBase & CountPaging & { type: 'offset' })
  | (PagingBase & CountPaging & { type: 'page' });

/** What all ways of paging have in common. */
export interface PagingBase {
  /** Where in the body the items are; without it the body is the list. */
  items?: string;
  /** Sends the cursor, offset or page number as a field of the JSON body. */
  in_body?: boolean;
}

/** What ways that count have in common. */
export interface CountPaging {
  /** The parameter. */
  param: string;
  /** The first offset or page number: 0, or 1 for pages. */
  start?: number;
  /**
   * Ends at a page with fewer items than this, which saves the last request. Only where
   * the provider surely never gives less than asked for: many cap the page size in
   * silence, and then all but the first page is left out.
   */
  shortPageIsLast?: number;
}

/** What a paged request carries. */
export interface PageOptions extends Omit<RequestOptions, 'anyStatus'> {
  /** How pages are numbered; without it, as the integration says. */
  paging?: Paging;
  /** `GET` if nothing is said. */
  method?: string;
}

/** Options with a schema that each item is checked by. */
export interface ItemOptions<Item extends z.ZodType> extends PageOptions {
  /** The schema of an item. One that does not fit is an error that names its place. */
  as?: Item;
}

/** A page: its body and where it came from. */
export interface Page<T = unknown> {
  /** 1 for the first. */
  number: number;
  /** The items. */
  items: T[];
  /** The whole body, for what stands in it beside the items. */
  body: unknown;
  /** The HTTP status. */
  status: number;
  /** The headers, names in lower case. */
  headers: ReadonlyMap<string, string>;
}

/** How the integration's operator says that its pages are numbered. */
export function integrationPaging(): Paging {
  const { pagination } = run.config<{ pagination?: Paging }>();
  if (pagination !== undefined && pagination !== null) return pagination;
  throw refused(
    'The integration does not say how its pages are numbered: set its `pagination`, or give `paging` in the sync.',
  );
}

/** The pages of a request, each fetched when it is asked for. After an error there are no more. */
export async function* pages<Item extends z.ZodType>(
  url: string,
  options: ItemOptions<Item>,
): AsyncGenerator<Page<z.output<Item>>, void, void> {
  const paging = options.paging ?? integrationPaging();
  const walk = new Walk(url, options, paging);
  const site = callSite();
  try {
    for (;;) {
      const page = await walk.fetch();
      const items = options.as === undefined ? page.items : checked(options.as, page, walk, paging);
      yield { ...page, items } as Page<z.output<Item>>;
      if (!walk.follow(page)) return;
    }
  } catch (error) {
    throw calledAt(error, site);
  }
}

function checked(schema: z.ZodType, page: Page & { text: string }, walk: Walk, paging: Paging): unknown[] {
  return page.items.map((item, index) =>
    parse(schema, item, (why) => {
      const place = paging.items ? ` at \`${paging.items}\`` : '';
      return unexpectedBody(walk.call(page.number), `in item ${index}${place}: ${why}`, page.text);
    }),
  );
}

/** A page with the text that it was read from, for messages. */
type FetchedPage = Page & { text: string };

/** The way through the pages: where the next one is, and where one has been. */
class Walk {
  readonly #base: PageOptions;
  readonly #paging: Paging;
  readonly #method: string;
  #url: string;
  #query: NonNullable<RequestOptions['query']>;
  #json: unknown;
  #number = 0;
  /** The offset or page number of the next page. */
  #count: number;
  /** Where pages were fetched from, so that a cursor or link that leads back is seen. */
  readonly #places = new Set<string>();
  /** What the last page that had items was like. */
  #last = '';

  constructor(url: string, options: PageOptions, paging: Paging) {
    this.#base = options;
    this.#paging = paging;
    this.#method = options.method ?? 'GET';
    this.#url = url;
    this.#query = { ...options.query };
    this.#json = options.json;
    const counts = paging.type === 'offset' || paging.type === 'page';
    this.#count = counts ? (paging.start ?? (paging.type === 'page' ? 1 : 0)) : 0;
    if (counts) this.#put(paging.param, this.#count);
  }

  /** What was called, for messages. */
  call(page: number): string {
    return `${this.#method} ${this.#url} (page ${page})`;
  }

  async fetch(): Promise<FetchedPage> {
    const { paging: _, method: __, as: ___, ...options } = this.#base as ItemOptions<z.ZodType>;
    const response = await request(this.#method, this.#url, { ...options, query: this.#query, json: this.#json });
    this.#number++;
    const call = this.call(this.#number);
    const { status, headers } = response;
    const text = response.text();
    const body = jsonOf(call, text);
    const items = this.#itemsOf(body, call, text);
    this.#refuseRepeat(items, text);
    return { number: this.#number, items, body, status, headers, text };
  }

  /** Goes to the page after `page`; false where there is none. */
  follow(page: FetchedPage): boolean {
    const paging = this.#paging;
    switch (paging.type) {
      case 'cursor': {
        const cursor = at(page.body, paging.next);
        if (isEnd(cursor)) return false;
        this.#put(paging.param, cursor as string | number);
        break;
      }
      case 'link': {
        const link = paging.next === undefined ? linkIn(page.headers.get('link'), 'next') : at(page.body, paging.next);
        if (typeof link !== 'string' || link === '') return false;
        this.#url = link;
        this.#query = {};
        break;
      }
      default: {
        const { length } = page.items;
        if (length === 0 || length < (paging.shortPageIsLast ?? 0)) return false;
        this.#count += paging.type === 'offset' ? length : 1;
        this.#put(paging.param, this.#count);
      }
    }
    this.#refuseReturn(page);
    return true;
  }

  /** Sets the parameter that says where the page is. */
  #put(param: string, value: string | number): void {
    if (this.#paging.in_body === true) this.#json = { ...(this.#json as object | undefined), [param]: value };
    else this.#query = { ...this.#query, [param]: value };
  }

  #itemsOf(body: unknown, call: string, text: string): unknown[] {
    const path = this.#paging.items ?? '';
    const found = path === '' ? body : at(body, path);
    const where = path === '' ? 'the body' : `\`${path}\``;
    if (Array.isArray(found)) return found;
    // Some providers write an empty list as null.
    if (found === null) return [];
    if (found === undefined)
      throw unexpectedBody(call, `there is nothing at ${where}, where the items should be`, text);
    throw unexpectedBody(call, `${where}, where the items should be, is no list`, text);
  }

  /**
   * The same items twice in a row mean that the provider does not move on. Length, first
   * and last item stand for the page: comparing all of it would cost as much as reading it.
   */
  #refuseRepeat(items: unknown[], text: string): void {
    if (items.length === 0) return;
    const seen = `${text.length} ${items.length} ${JSON.stringify([items[0], items[items.length - 1]])}`;
    if (seen === this.#last) {
      throw new TidegateError(
        'guest.error',
        `${this.call(this.#number)} is the same as page ${this.#number - 1}; the provider seems not to know ${this.#place()}`,
      );
    }
    this.#last = seen;
  }

  #refuseReturn(page: FetchedPage): void {
    const place = JSON.stringify([this.#url, this.#query, this.#paging.in_body === true ? this.#json : null]);
    if (this.#places.has(place)) {
      throw new TidegateError(
        'guest.error',
        `${this.call(page.number)} leads back to a page that was fetched before, by ${this.#place()}`,
      );
    }
    this.#places.add(place);
  }

  /** What leads to the next page, for messages. */
  #place(): string {
    const paging = this.#paging;
    switch (paging.type) {
      case 'cursor':
        return `the cursor \`${paging.param}\``;
      case 'link':
        return paging.next === undefined ? 'the `link` header' : `the link at \`${paging.next}\``;
      case 'offset':
        return `the offset \`${paging.param}\``;
      default:
        return `the page number \`${paging.param}\``;
    }
  }
}

/** Whether a cursor says "no more". */
function isEnd(cursor: unknown): boolean {
  if (cursor === undefined || cursor === null || cursor === false) return true;
  return typeof cursor === 'string' && cursor.trim() === '';
}
