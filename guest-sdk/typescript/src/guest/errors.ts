/**
 * Errors as a sync meets them: what the host answers becomes a real `Error`, and what a
 * sync throws becomes what the host takes.
 */
import { wellFormed } from './text.ts';

/** An error of the host's, or one of the SDK's own. Its message is exactly the host's. */
export class TidegateError extends Error {
  override readonly name: string = 'TidegateError';

  /** The stable code, such as `record.invalid`. The list grows: see `wit/README.md`. */
  readonly code: string;

  /** How many milliseconds to wait before another try, where the provider said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** An error as it crosses to and from the host. */
export interface HostError {
  code: string;
  message: string;
  retryAfterMs: number | undefined;
}

/** Calls an import; what it throws comes on as a {@link TidegateError}. */
export function hosted<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fromHost(thrown);
  }
}

/**
 * The error for what an import threw: an object with the host's error as `payload`, the
 * bare error, or a bare string, depending on the toolchain. Anything else is handed on.
 */
export function fromHost(thrown: unknown): unknown {
  if (thrown instanceof TidegateError) return thrown;
  if (typeof thrown === 'string') return new TidegateError('internal', thrown);
  const error = payloadOf(thrown);
  if (error === undefined) return thrown;
  const { code, message, retryAfterMs } = error;
  return new TidegateError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs });
}

function payloadOf(thrown: unknown): HostError | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const inner = (thrown as { payload?: unknown }).payload ?? thrown;
  if (typeof inner !== 'object' || inner === null || inner instanceof Error) return undefined;
  const { code, message, retryAfterMs } = inner as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  return { code, message, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined };
}

/** The error for an argument that is not what it must be. */
export function refused(what: string): TidegateError {
  return new TidegateError('invalid.argument', what);
}

/**
 * Where the author's code called, for an error that is made after an `await`: the engine
 * keeps no frames across one. Take it at the start of an async function, before its first
 * `await`.
 */
export function callSite(): string {
  // The first frame is this function's own.
  return frames(new Error('call site').stack).split('\n').slice(1).join('\n');
}

/** Puts the frames of a {@link callSite} under the error's own. */
export function calledAt<E>(error: E, site: string): E {
  if (error instanceof Error && site !== '' && !(error.stack ?? '').includes(site)) {
    const own = error.stack ?? '';
    const stack = own === '' || own.endsWith('\n') ? own + site : `${own}\n${site}`;
    Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  }
  return error;
}

/** The frames of a stack, without a first line that holds the message, as V8 writes it. */
export function frames(stack: string | undefined): string {
  const lines = (stack ?? '').split('\n').filter((line) => /^\s+at\s/.test(line));
  return lines.join('\n');
}

/** What a sync threw, as the host takes it: the message with its causes, then the stack. */
export function toHost(thrown: unknown): HostError {
  const code = thrown instanceof TidegateError ? thrown.code : 'guest.error';
  const retryAfterMs = thrown instanceof TidegateError ? thrown.retryAfterMs : undefined;
  return { code, message: wellFormed(describe(thrown)), retryAfterMs };
}

/** Causes of an error that are told; a chain this long says nothing more. */
const CAUSES_MAX = 5;

/** Characters of a provider's answer that are told with an unsuccessful status. */
const BODY_EXCERPT_CHARS = 512;

function describe(thrown: unknown): string {
  const parts: string[] = [];
  let each: unknown = thrown;
  for (let depth = 0; depth < CAUSES_MAX && each !== undefined && each !== null; depth++) {
    parts.push((depth === 0 ? '' : 'caused by: ') + headline(each));
    if (!(each instanceof Error)) break;
    const at = frames(each.stack);
    if (at !== '') parts.push(at);
    each = each.cause;
  }
  return parts.length === 0 ? `the sync threw ${String(thrown)}` : parts.join('\n');
}

/** `<name>: <message>`, and for an unsuccessful response what was asked and answered. */
function headline(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `the sync threw ${shown(thrown)}, which is no Error`;
  const { name, message } = thrown;
  // An `ActionError` has its words in the payload and an empty message.
  const payload = (thrown as { payload?: unknown }).payload;
  const words = message !== '' || payload === undefined ? message : shown(payload);
  const told = thrown instanceof TidegateError ? words : `${name}: ${words}`;
  return told + answered(thrown);
}

function answered(error: Error): string {
  const { response, config } = error as {
    response?: { data?: unknown };
    config?: { method?: unknown; url?: unknown };
  };
  if (config === undefined || typeof config.url !== 'string') return '';
  const call = `${String(config.method ?? 'get').toUpperCase()} ${config.url}`;
  if (response === undefined) return ` (${call})`;
  const body = excerpt(response.data);
  return body === '' ? ` (${call})` : ` (${call} answered: ${body})`;
}

function excerpt(body: unknown): string {
  const text = typeof body === 'string' ? body : shown(body);
  return text.length > BODY_EXCERPT_CHARS ? `${text.slice(0, BODY_EXCERPT_CHARS)}…` : text;
}

/** A value as JSON, or as text where it has no JSON. */
function shown(value: unknown): string {
  if (value === undefined || value === null || value === '') return '';
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
