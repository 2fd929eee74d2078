/** Requests and responses as syncs written for Nango know them: those of axios. */

/** Where a request goes and what it carries. */
export interface ProxyConfiguration {
  /** The path, with or without a slash before it, put behind the base URL. */
  endpoint: string;
  /** `GET` if nothing is said. */
  method?:
    | 'GET'
    | 'POST'
    | 'PATCH'
    | 'PUT'
    | 'DELETE'
    | 'PROPFIND'
    | 'REPORT'
    | 'get'
    | 'post'
    | 'patch'
    | 'put'
    | 'delete'
    | 'propfind'
    | 'report';
  /** Not used: a run belongs to one integration. */
  providerConfigKey?: string;
  /** Not used: a run belongs to one connection. */
  connectionId?: string;
  /** Tries after the first: 0 if nothing is said, at most 20. */
  retries?: number;
  /** Statuses to try again beside 429 and 5xx. */
  retryOn?: number[] | null;
  /** Not used: the host knows the usual headers, and the integration's own. */
  retryHeader?: RetryHeaderConfig;
  /** The body: an object as JSON, text, `URLSearchParams` or bytes as they are. */
  data?: unknown;
  /** Headers. Those that carry credentials are the host's, and left out. */
  headers?: Record<string, string>;
  /** Query parameters; an array is joined by commas. */
  params?: string | Record<string, string | number | boolean | null | undefined | string[] | number[]>;
  /** Takes the place of the connection's base URL. */
  baseUrlOverride?: string | undefined;
  /** `arraybuffer` gives bytes, `stream` an async iterable of them, `text` text. */
  responseType?: 'arraybuffer' | 'blob' | 'document' | 'json' | 'text' | 'stream' | undefined;
  /** How to go through pages; for `paginate`. */
  paginate?: Partial<CursorPagination> | Partial<LinkPagination> | Partial<OffsetPagination>;
  /** Not used: the host decompresses always. */
  decompress?: boolean | string;
  /** Not used: the host keeps headers within an origin. */
  forwardHeadersOnRedirect?: boolean;
  /** Time for one exchange in milliseconds: default 120,000, at most 600,000. */
  timeout?: number;
}

/** Where a provider says how long to wait. */
export interface RetryHeaderConfig {
  at?: string[] | string;
  after?: string[] | string;
  remaining?: string;
  error_code?: string[];
  in_body?: { path: string; value?: string; strategy: 'at' | 'after' };
}

/** What all ways of paging have in common. */
export interface PaginationBase {
  /** How many items a page has, sent as `limit_name_in_request`. */
  limit?: number | string;
  /** Where in the body the items are; without it the body is the list. */
  response_path?: string;
  /** The parameter that carries `limit`. */
  limit_name_in_request: string;
  /** Whether the parameters go into the body: as the method has it if nothing is said. */
  in_body?: boolean;
  /** Called after each page. */
  on_page?: (state: { nextPageParam?: string | number | undefined; response: AxiosResponse }) => Promise<void> | void;
}

/** By what the page before said. */
export interface CursorPagination extends PaginationBase {
  type: 'cursor';
  cursor_path_in_response: string;
  cursor_name_in_request: string;
}

/** By the next page's URL. */
export interface LinkPagination extends PaginationBase {
  type: 'link';
  link_rel_in_response_header?: string;
  link_path_in_response_body?: string;
}

/** How an offset grows: by one a page, or by the items that came. */
export type OffsetCalculationMethod = 'per-page' | 'by-response-size';

/** By how many records, or pages, to skip. */
export interface OffsetPagination extends PaginationBase {
  type: 'offset';
  offset_name_in_request: string;
  offset_start_value?: number;
  offset_calculation_method?: OffsetCalculationMethod;
}

/** A way of paging. */
export type Pagination = CursorPagination | LinkPagination | OffsetPagination;

/** A response. */
// The body's type is the author's to say, as in axios: `get<User[]>(…)`.
export interface AxiosResponse<T = any> {
  /** The body: parsed where it is JSON, else text; bytes where they were asked for. */
  data: T;
  /** The HTTP status. */
  status: number;
  /** The status in words. */
  statusText: string;
  /** Headers, names in lower case. */
  headers: Record<string, any>;
  /** The request. */
  config: any;
  /** Not there: a sync never holds the connection. */
  request?: any;
}

/** What is raised for a status that is no success. */
export class ProxyError extends Error {
  override readonly name = 'AxiosError';
  /** Always true: how axios's errors are told from others. */
  readonly isAxiosError = true;
  /** `ERR_BAD_REQUEST` for 4xx, `ERR_BAD_RESPONSE` for others. */
  readonly code: string;
  /** The HTTP status. */
  readonly status: number;
  /** The request. */
  readonly config: AxiosResponse['config'];
  /** The response. */
  readonly response: AxiosResponse;

  constructor(response: AxiosResponse) {
    super(`Request failed with status code ${response.status}`);
    this.status = response.status;
    this.code = response.status >= 400 && response.status < 500 ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE';
    this.config = response.config;
    this.response = response;
  }

  /** What a log shows of it. */
  toJSON(): object {
    const { name, message, code, status } = this;
    return { name, message, code, status, config: this.config };
  }
}
