/// <reference path="./host.d.ts" />
/** Lines in the run's log, with attributes. A log line never fails a run. */
import * as host from 'tidegate:sync/log@0.1.0';
import { wellFormed } from './text.ts';

/** How loud a line is: for the author at work, progress, to look at, went wrong. */
export type Level = host.Level;

/**
 * Bytes of a line that the host keeps. What is over is cut here already, so that a whole
 * page that is logged does not cross first.
 */
const LINE_BYTES_MAX = 8 * 1024;

/** Characters of attributes that are handed over; more are replaced by a note. */
const ATTRIBUTES_CHARS_MAX = 8 * 1024;

/** Adds a line. `attributes` are shown beside it. */
export function emit(level: Level, message: string, attributes?: object): void {
  // A character is a byte or more: the host cuts what is left, and marks it.
  const line = message.length > LINE_BYTES_MAX ? message.slice(0, LINE_BYTES_MAX + 1) : message;
  host.emit(level, wellFormed(line), attributes === undefined ? '' : written(attributes));
}

/** A line for the author at work. */
export function debug(message: string, attributes?: object): void {
  emit('debug', message, attributes);
}

/** A line about progress. */
export function info(message: string, attributes?: object): void {
  emit('info', message, attributes);
}

/** A line that the author should look at. */
export function warn(message: string, attributes?: object): void {
  emit('warn', message, attributes);
}

/** A line about something that went wrong. */
export function error(message: string, attributes?: object): void {
  emit('error', message, attributes);
}

const told = new Set<string>();

/** A warning that is said once a run. */
export function warnOnce(message: string): void {
  if (told.has(message)) return;
  told.add(message);
  warn(message);
}

/** Forgets which warnings were said; when a run begins. */
export function begin(): void {
  told.clear();
}

function written(attributes: object): string {
  try {
    const json = JSON.stringify(attributes, plain) ?? '';
    if (!json.startsWith('{')) return '';
    if (json.length <= ATTRIBUTES_CHARS_MAX) return json;
    return JSON.stringify({ note: `${json.length} characters of attributes left out` });
  } catch (cause) {
    return JSON.stringify({ note: `attributes without JSON: ${String(cause)}` });
  }
}

/** What JSON would lose: errors, and numbers that are too large for it. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { ...value, name: value.name, message: value.message };
  return typeof value === 'bigint' ? value.toString() : value;
}
