/**
 * `nango.paginate`: page after page, with the meaning that each option has in Nango. The
 * caller's configuration is never changed.
 */
import * as run from '../run.ts';
import { linkIn, splitOrigin } from '../link.ts';
import { at, put } from '../path.ts';
import type {
  AxiosResponse,
  CursorPagination,
  LinkPagination,
  OffsetPagination,
  Pagination,
  ProxyConfiguration,
} from './http.ts';
import { paramsObject, proxy } from './proxy.ts';

/** Methods whose paging parameters go into the body where `in_body` is not said. */
const METHODS_IN_BODY = ['POST', 'PUT', 'PATCH'];

/** The request of the page to come, and the parameters that paging sets in it. */
interface Place {
  request: ProxyConfiguration;
  parameters: Record<string, unknown>;
  inBody: boolean;
}

/** The items of each page. */
export async function* paginate<T>(config: ProxyConfiguration): AsyncGenerator<T[], undefined, void> {
  const paging = pagingOf(config.paginate);
  const method = (config.method ?? 'GET').toUpperCase() as NonNullable<ProxyConfiguration['method']>;
  const inBody = paging.in_body ?? METHODS_IN_BODY.includes(method);
  const given = inBody ? { ...(config.data as object | undefined) } : paramsObject(config.params);
  const place: Place = { request: { ...config, method }, parameters: given as Record<string, unknown>, inBody };
  if (paging.limit) place.parameters[paging.limit_name_in_request] = paging.limit;
  switch (paging.type) {
    case 'cursor':
      return yield* byCursor<T>(place, paging);
    case 'link':
      return yield* byLink<T>(place, paging);
    default:
      return yield* byOffset<T>(place, paging);
  }
}

async function* byCursor<T>(place: Place, paging: CursorPagination): AsyncGenerator<T[], undefined, void> {
  let cursor: string | number | undefined;
  do {
    if (cursor !== undefined) place.parameters[paging.cursor_name_in_request] = cursor;
    const response = await fetchPage(place);
    const items = itemsOf<T>(response, paging);
    if (!items || !items.length) return;
    yield items;
    cursor = cursorOf(at(response.data, paging.cursor_path_in_response));
    await paging.on_page?.({ nextPageParam: cursor, response });
  } while (cursor !== undefined);
}

/** A cursor is a number, or text that is not blank. */
function cursorOf(found: unknown): string | number | undefined {
  if (typeof found === 'number') return found;
  if (typeof found !== 'string') return undefined;
  return found.trim() || undefined;
}

async function* byLink<T>(place: Place, paging: LinkPagination): AsyncGenerator<T[], undefined, void> {
  let before: string | undefined;
  placed(place);
  for (;;) {
    const response = await proxy(place.request);
    // An empty page is handed on too: only the link says where the end is.
    yield itemsOf<T>(response, paging) as T[];
    const next = nextLink(response, paging);
    await paging.on_page?.({ nextPageParam: next, response });
    if (!next || next === before) return;
    before = next;
    follow(place, next);
  }
}

function nextLink(response: AxiosResponse, paging: LinkPagination): string | undefined {
  const { link_rel_in_response_header: relation, link_path_in_response_body: path } = paging;
  const inHeader = relation ? linkIn(response.headers['link'] as string | undefined, relation) : undefined;
  if (inHeader || !path) return inHeader;
  return at(response.data, path) as string | undefined;
}

/** The link carries the whole query; an absolute one also says which origin to ask. */
function follow(place: Place, link: string): void {
  const absolute = splitOrigin(link);
  const { params: _, ...rest } = place.request;
  place.request = absolute
    ? { ...rest, baseUrlOverride: absolute[0], endpoint: absolute[1] }
    : { ...rest, endpoint: link };
}

async function* byOffset<T>(place: Place, paging: OffsetPagination): AsyncGenerator<T[], undefined, void> {
  let offset = paging.offset_start_value || 0;
  for (;;) {
    place.parameters[paging.offset_name_in_request] = place.inBody ? offset : String(offset);
    const response = await fetchPage(place);
    const items = itemsOf<T>(response, paging);
    if (!items || !items.length) return;
    yield items;
    if (paging.limit && items.length < Number(paging.limit)) return;
    await paging.on_page?.({ nextPageParam: offset, response });
    offset += paging.offset_calculation_method === 'per-page' ? 1 : items.length;
  }
}

function fetchPage(place: Place): Promise<AxiosResponse> {
  placed(place);
  return proxy(place.request);
}

/** Puts the parameters into the body, where dots in names lead deeper, or the query. */
function placed(place: Place): void {
  const { request, parameters, inBody } = place;
  if (!inBody) {
    place.request = { ...request, params: { ...parameters } as NonNullable<ProxyConfiguration['params']> };
    return;
  }
  const data: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parameters)) put(data, name, value);
  place.request = { ...request, data };
}

function itemsOf<T>(response: AxiosResponse, paging: Pagination): T[] | undefined {
  return (paging.response_path ? at(response.data, paging.response_path) : response.data) as T[] | undefined;
}

/** The integration's way of paging with what the sync says put over it, checked. */
function pagingOf(given: ProxyConfiguration['paginate']): Pagination {
  const own = integrationPaging();
  if (!own && !given?.type) {
    throw new Error('There was no pagination configuration for this integration or configuration passed in.');
  }
  const paging = { ...own, ...given } as Pagination;
  check(paging);
  return paging;
}

/** How the operator says that the integration numbers its pages: `pagination` of the config. */
interface IntegrationPaging {
  type: 'cursor' | 'link' | 'offset' | 'page';
  param?: string;
  next?: string;
  items?: string;
  start?: number;
  in_body?: boolean;
}

function integrationPaging(): Partial<Pagination> | undefined {
  const { pagination } = run.config<{ pagination?: IntegrationPaging }>();
  if (!pagination) return undefined;
  const { type, param, next, items, start, in_body } = pagination;
  const common = { ...(items && { response_path: items }), ...(in_body && { in_body }) };
  switch (type) {
    case 'cursor':
      return { type, ...common, cursor_name_in_request: param ?? '', cursor_path_in_response: next ?? '' };
    case 'link':
      return {
        type,
        ...common,
        ...(next ? { link_path_in_response_body: next } : { link_rel_in_response_header: 'next' }),
      };
    case 'offset':
      return {
        type,
        ...common,
        offset_name_in_request: param ?? '',
        ...(start !== undefined && { offset_start_value: start }),
      };
    default:
      return {
        type: 'offset',
        ...common,
        offset_name_in_request: param ?? '',
        offset_start_value: start ?? 1,
        offset_calculation_method: 'per-page',
      };
  }
}

/** Errors have the words that syncs know from Nango. */
function check(paging: Partial<CursorPagination & LinkPagination & OffsetPagination> | Pagination): void {
  const { type, limit, limit_name_in_request } = paging;
  const {
    cursor_name_in_request,
    cursor_path_in_response,
    link_rel_in_response_header,
    link_path_in_response_body,
    offset_name_in_request,
  } = paging as Partial<CursorPagination & LinkPagination & OffsetPagination>;
  if (!type) throw new Error('Pagination type is required');
  switch (type as string) {
    case 'cursor':
      if (!cursor_name_in_request) throw new Error('Param cursor_name_in_request is required for cursor pagination');
      if (!cursor_path_in_response) throw new Error('Param cursor_path_in_response is required for cursor pagination');
      if (limit && !limit_name_in_request) {
        throw new Error('Param limit_name_in_request is required for cursor pagination when limit is set');
      }
      return;
    case 'link':
      if (link_rel_in_response_header || link_path_in_response_body) return;
      throw new Error(
        'Either param link_rel_in_response_header or link_path_in_response_body is required for link pagination',
      );
    case 'offset':
      if (!offset_name_in_request) throw new Error('Param offset_name_in_request is required for offset pagination');
      return;
    default:
      throw new Error(
        `Pagination type ${type} is not supported. Only cursor, link and offset pagination types are supported.`,
      );
  }
}
