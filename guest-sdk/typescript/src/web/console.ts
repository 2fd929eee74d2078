/**
 * `console`: lines of the run's log, formatted as Node formats them. `log`, `info` and
 * `table` are of level info, `debug` and `trace` of level debug, `warn` and `error` of
 * their own.
 */

import type { Level } from 'tidegate:sync/log@0.1.0';
import { format } from './format.ts';
import { inspect, type InspectOptions } from './inspect.ts';
import { line as logLine } from './line.ts';

/** Spaces that a group is indented by, as on Node. */
const GROUP_INDENT = 2;

let indent = '';
const counts = new Map<string, number>();
const starts = new Map<string, number>();

function line(level: Level, text: string): void {
  const indented = indent ? indent + text.replaceAll('\n', `\n${indent}`) : text;
  logLine(level, indented);
}

/** A method of `console` that writes its arguments as a line. */
function writes(level: Level): (...args: unknown[]) => void {
  return (...args) => line(level, format(...args));
}

function since(label: string): string | undefined {
  const start = starts.get(label);
  return start === undefined ? undefined : `${label}: ${performance.now() - start}ms`;
}

/** The console. What it does not have is of no use without a terminal. */
export const console = {
  log: writes('info'),
  info: writes('info'),
  debug: writes('debug'),
  warn: writes('warn'),
  error: writes('error'),
  dir: (value: unknown, options?: InspectOptions) => line('info', inspect(value, options)),
  dirxml: writes('info'),
  table: (value: unknown) => line('info', inspect(value)),
  trace: (...args: unknown[]) => {
    const stack = new Error().stack ?? '';
    line('debug', `Trace: ${format(...args)}\n${stack}`.trimEnd());
  },
  assert: (condition?: unknown, ...args: unknown[]) => {
    if (condition) return;
    if (typeof args[0] === 'string') args[0] = `Assertion failed: ${args[0]}`;
    else args.unshift('Assertion failed');
    line('warn', format(...args));
  },
  count: (label = 'default') => {
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    line('info', `${label}: ${count}`);
  },
  countReset: (label = 'default') => void counts.delete(label),
  group: (...args: unknown[]) => {
    if (args.length > 0) line('info', format(...args));
    indent += ' '.repeat(GROUP_INDENT);
  },
  groupCollapsed: (...args: unknown[]) => console.group(...args),
  groupEnd: () => {
    indent = indent.slice(GROUP_INDENT);
  },
  time: (label = 'default') => void starts.set(label, performance.now()),
  timeLog: (label = 'default', ...args: unknown[]) => {
    const text = since(label);
    if (text) line('info', [text, ...args.map((arg) => inspect(arg))].join(' '));
  },
  timeEnd: (label = 'default') => {
    const text = since(label);
    if (text) line('info', text);
    starts.delete(label);
  },
  clear: () => {},
};
