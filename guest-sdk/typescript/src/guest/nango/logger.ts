/** `nango.log` in all its forms. */
import * as log from '../log.ts';
import type { SdkLogger } from './nango.ts';

/** Nango's levels, older names included, as the host has them. */
const LEVELS: Record<string, log.Level> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  verbose: 'debug',
  silly: 'debug',
  http: 'info',
};

/** How loud each level is. */
const LOUDNESS: Record<SdkLogger['level'], number> = { debug: 0, info: 1, warn: 2, error: 3, off: 4 };

/** Lines of one run, from a level on. */
export class Logger {
  #level: SdkLogger['level'] = 'debug';

  /** From which level on lines are kept. */
  get level(): SdkLogger['level'] {
    return this.#level;
  }

  /** Sets it; once it is `off`, it stays. */
  set(level: SdkLogger['level']): void {
    if (this.#level !== 'off' && level in LOUDNESS) this.#level = level;
  }

  /** Adds a line: message, payload, and `{ level }` as the last argument. */
  log(args: unknown[]): void {
    if (this.#level === 'off' || args.length === 0) return;
    const last = args[args.length - 1];
    const options = hasLevel(last) ? last : undefined;
    const level = LEVELS[options?.level ?? 'info'] ?? 'info';
    if (LOUDNESS[level] < LOUDNESS[this.#level]) return;
    const [message, ...payload] = options === undefined || args.length === 1 ? args : args.slice(0, -1);
    log.emit(level, textOf(message), attributesOf(payload));
  }
}

function hasLevel(value: unknown): value is { level: string } {
  return typeof value === 'object' && value !== null && typeof (value as { level?: unknown }).level === 'string';
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  if (message instanceof Error) return `${message.name}: ${message.message}`;
  try {
    return JSON.stringify(message) ?? String(message);
  } catch {
    return String(message);
  }
}

/** One object as it is, anything else under its place. */
function attributesOf(payload: unknown[]): object | undefined {
  const [first] = payload;
  if (payload.length === 0 || (payload.length === 1 && first === undefined)) return undefined;
  const isObject = typeof first === 'object' && first !== null;
  if (payload.length === 1 && isObject) return Array.isArray(first) ? { ...(first as unknown[]) } : first;
  return { ...payload };
}
