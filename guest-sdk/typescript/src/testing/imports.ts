/**
 * What a host on Node must do for the SDK: one function for each import. What would be a
 * trap in the engine throws a {@link Trap} here, so that a test sees it.
 */

/** What the engine does with an argument of the wrong type: it ends the run. */
export class Trap extends Error {
  override readonly name = 'Trap';
}

/** Ends the run as the engine would. */
export function trap(expected: string, value: unknown): never {
  throw new Trap(`an import wants ${expected}, but was given ${typeof value}: ${String(value)}`);
}

/** A string that can cross: the engine traps on another type and on half a surrogate pair. */
export function wellFormed(text: string): string {
  if (typeof text !== 'string') trap('a string', text);
  if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text))
    trap('a well-formed string', text);
  return text;
}

/** How loud a line is. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** A request as the SDK builds it. */
export interface RequestParts {
  method: string;
  url: string;
  baseUrl?: string;
  query: [string, string][];
  headers: Map<string, string>;
  body?: Uint8Array;
  timeoutMs?: number;
  retries?: number;
  retryOn?: number[];
}

/** A response as the SDK takes it. */
export interface TakenReply {
  status: number;
  headers: [string, string][];
  body: Uint8Array;
  url: string;
}

/** A request under way. */
export interface PendingSend {
  wait(): TakenReply;
}

/** What a save did. */
export interface Summary {
  added: number;
  updated: number;
  unchanged: number;
}

/** Facts of a run. */
export interface Facts {
  id: string;
  connectionId: string;
  integration: string;
  syncName: string;
  variant: string;
  trigger: string;
  attempt: number;
  startedAt: string;
  deadline: string;
  memoryLimitKib: number;
  memoryUsedKib: number;
  /** The connection's configuration as JSON. */
  config: string;
}

/** The imports, as a host on Node has them. */
export interface Imports {
  /** Fails an import with the contract's error, as the engine throws it. */
  fail(code: string, message: string, retryAfterMs?: number): never;
  send(request: RequestParts): PendingSend;
  write(kind: 'save' | 'update', model: string, ndjson: string): Summary;
  delete(model: string, ids: string[]): number;
  find(model: string, ids: string[]): (string | undefined)[];
  list(model: string, cursor: string | undefined, limit: number): { records: string[]; next?: string };
  openPass(model: string): void;
  closePass(model: string): string[];
  merging(model: string, strategy: string): void;
  checkpoint(): string | undefined;
  saveCheckpoint(json: string): void;
  clearCheckpoint(): void;
  metadata(): string;
  setMetadata(json: string): void;
  mergeMetadata(json: string): void;
  log(level: Level, message: string, attributes: string): void;
  facts(): Facts;
  sleep(milliseconds: number): void;
  progress(message: string, done: number, total: number | undefined): void;
}
