// Requests as Nango's own proxy sends them: the base URL and the endpoint put together, the
// parameters set one by one, axios with its defaults, and tries again for what Nango tries
// again. Only the waits between tries are left out.

import axios, { type AxiosRequestConfig, type AxiosResponse, isAxiosError } from 'axios';

/** What a sync gives to `nango.get` and its kin. */
export interface ProxyConfig {
  endpoint: string;
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  params?: string | Record<string, unknown> | undefined;
  data?: unknown;
  retries?: number | undefined;
  retryOn?: number[] | null | undefined;
  baseUrlOverride?: string | undefined;
  responseType?: AxiosRequestConfig['responseType'];
}

/** The connection that it goes to. */
interface To {
  baseUrl: string;
  secret: string | undefined;
}

const WITH_BODY = ['POST', 'PUT', 'PATCH', 'DELETE'];
const BROKEN = ['ECONNRESET', 'ETIMEDOUT', 'ECONNABORTED', 'ECONNREFUSED', 'EHOSTUNREACH', 'EAI_AGAIN'];

/** Sends it, as often as Nango would; a status that is no success is thrown as an AxiosError. */
export async function send(config: ProxyConfig, { baseUrl, secret }: To, signal: AbortSignal): Promise<AxiosResponse> {
  const method = (config.method ?? 'GET').toUpperCase();
  const headers = { ...(secret && { authorization: `Bearer ${secret}` }), ...lowered(config.headers) };
  const request: AxiosRequestConfig = { method, url: url(config, baseUrl), headers, signal };
  if (config.responseType) request.responseType = config.responseType;
  if (config.data && WITH_BODY.includes(method)) request.data = config.data;
  for (let failures = 0; ; failures++) {
    try {
      return await axios.request(request);
    } catch (error) {
      if (failures >= (config.retries || 0) || !isTriedAgain(error, config, failures)) throw error;
    }
  }
}

function url(config: ProxyConfig, baseUrl: string): string {
  const base = (config.baseUrlOverride || baseUrl).replace(/\/$/, '');
  const whole = [base, config.endpoint.replace(/^\//, '')].filter(Boolean).join('/');
  const url = new URL(whole);
  if (typeof config.params === 'string') {
    if (whole.includes('?')) throw new Error('Can not set query params in endpoint and in params');
    return new URL(`${whole}${config.params.startsWith('?') ? '' : '?'}${config.params}`).toString();
  }
  for (const [name, value] of Object.entries(config.params ?? {})) url.searchParams.set(name, value as string);
  return url.toString();
}

function lowered(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** 401 once, because Nango asks for fresh credentials and these are still the same. */
function isTriedAgain(error: unknown, config: ProxyConfig, failures: number): boolean {
  if (!isAxiosError(error)) return false;
  if (error.code && BROKEN.includes(error.code)) return true;
  const status = error.response?.status ?? 0;
  if (status === 401) return failures === 0;
  return status >= 500 || status === 429 || (config.retryOn ?? []).includes(status);
}
