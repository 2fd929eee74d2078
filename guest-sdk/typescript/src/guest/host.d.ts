/**
 * What the host gives, as the toolchain hands it to JavaScript: the interfaces of the
 * contract (`wit/`), names in camel case. An import that fails throws; see `errors.ts`.
 */

declare module 'tidegate:sync/fetch@0.1.0' {
  export class Request {
    constructor(method: string, url: string);
    setHeader(name: string, value: string): void;
    setQuery(name: string, value: string): void;
    setBody(body: Uint8Array): void;
    setBodyText(body: string): void;
    setTimeoutMs(milliseconds: number): void;
    setRetries(retries: number): void;
    setRetryOn(statuses: number[]): void;
    setBaseUrl(url: string): void;
  }
  export interface Pending {
    wait(): Response;
  }
  export interface Response {
    status(): number;
    headers(): [string, string][];
    header(name: string): string | undefined;
    url(): string;
    text(): string;
    body(): Uint8Array;
    read(maxBytes: number): Uint8Array | undefined;
  }
  export function send(request: Request): Pending;
}

declare module 'tidegate:sync/records@0.1.0' {
  export interface SaveSummary {
    added: number;
    updated: number;
    unchanged: number;
  }
  export interface RecordPage {
    records: string[];
    next?: string;
  }
  export type MergingStrategy = 'override' | 'ignore-if-modified-after-start';
  export function batchSaveText(model: string, records: string): SaveSummary;
  export function batchUpdateText(model: string, records: string): SaveSummary;
  export function batchDelete(model: string, ids: string[]): number;
  export function get(model: string, ids: string[]): (string | undefined)[];
  export function list(model: string, cursor: string | undefined, limit: number): RecordPage;
  export function trackDeletesStart(model: string): void;
  export function trackDeletesEnd(model: string): string[];
  export function setMergingStrategy(model: string, strategy: MergingStrategy): void;
}

declare module 'tidegate:sync/checkpoint@0.1.0' {
  export function get(): string | undefined;
  export function save(json: string): void;
  export function clear(): void;
}

declare module 'tidegate:sync/metadata@0.1.0' {
  export function get(): string;
  export function set(json: string): void;
  export function merge(json: string): void;
}

declare module 'tidegate:sync/log@0.1.0' {
  export type Level = 'debug' | 'info' | 'warn' | 'error';
  export function emit(level: Level, message: string, attributes: string): void;
}

declare module 'tidegate:sync/run@0.1.0' {
  export function id(): string;
  export function connectionId(): string;
  export function integration(): string;
  export function syncName(): string;
  export function variant(): string;
  export function trigger(): string;
  export function attempt(): number;
  export function startedAt(): string;
  export function deadline(): string;
  export function memoryLimitKib(): number;
  export function memoryUsedKib(): number;
  export function connectionConfig(): string;
  export function sleep(milliseconds: number): void;
  export function progress(message: string, done: number, total: number | undefined): void;
}

declare module 'wasi:random/random@0.2.0' {
  export function getRandomBytes(length: number): Uint8Array;
}
