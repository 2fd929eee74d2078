/**
 * `setTimeout` and its kin in an engine without an event loop. A timer sleeps in the
 * host, which blocks the guest. So it does so only when nothing else is left to do: as
 * long as other promises make progress they come first, as they would on Node.
 *
 * The engine does not tell when its queue of promise jobs is empty. But the queue is
 * first in, first out: a loop that awaits nothing goes behind every job that is there,
 * and after enough rounds in which nobody worked, all others wait for something.
 */

import { sleep } from 'tidegate:sync/run@0.1.0';
import { requestsSent } from '../guest/fetch.ts';
import { line } from './line.ts';
import { loop } from './loop.ts';

/** Longest sleep that the host takes in one call, in milliseconds. */
const SLEEP_MAX_MS = 600_000;

/**
 * First part of a sleep, in milliseconds; each further part is `SLEEP_GROWTH` times as
 * long. Between two parts others get a turn, in case one of them does have work left.
 */
const SLEEP_FIRST_MS = 10;
const SLEEP_GROWTH = 4;

/** Longest delay, in milliseconds. A longer one counts as 1 ms, as in browsers and Node. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/**
 * Rounds without work by others after which the queue counts as idle. One takes about
 * half a microsecond. Work that goes on for more rounds without calling the host or
 * taking time is overtaken by a timer.
 */
const IDLE_ROUNDS = 2_048;

/** Rounds between two looks at the clock, which is a host call itself. */
const LOOK_ROUNDS = 64;

/** A step of the clock between two looks, in milliseconds, that shows that others work. */
const WORK_MS = 2;

type Call = (...args: never[]) => unknown;

/** A timer that waits; `setTimeout` gives it out as Node does. */
export class Timeout {
  #pending: boolean;

  /** @internal */
  constructor(
    readonly id: number,
    public due: number,
    readonly delay: number,
    readonly repeats: boolean,
    readonly call: () => unknown,
  ) {
    this.#pending = true;
  }

  /** Has no effect: a run ends when the sync's function does, whatever timers are left. */
  ref(): this {
    return this;
  }

  /** Has no effect; see `ref`. */
  unref(): this {
    return this;
  }

  /** Whether the timer is still to fire. */
  hasRef(): boolean {
    return this.#pending;
  }

  /** Starts the delay anew. */
  refresh(): this {
    if (waiting.delete(this.id)) start(this, now() + this.delay);
    return this;
  }

  /** Stops it. */
  close(): this {
    this.#pending = false;
    waiting.delete(this.id);
    return this;
  }

  /** The id, which `clearTimeout` takes as well. */
  [Symbol.toPrimitive](): number {
    return this.id;
  }
}

/** Timers by id, in the order in which they were started. */
const waiting = new Map<number, Timeout>();
let lastId = 0;
let driving = false;
/** Time up to which timers have fired: the host's clock may lag behind its own sleep. */
let reached = 0;

/** Calls `call` once, after `delay` milliseconds. */
export function setTimeout<A extends unknown[]>(
  call: (...args: A) => unknown,
  delay?: number,
  ...args: A
): Timeout {
  return add('setTimeout', call, clean(delay), false, args);
}

/** Calls `call` every `delay` milliseconds. */
export function setInterval<A extends unknown[]>(
  call: (...args: A) => unknown,
  delay?: number,
  ...args: A
): Timeout {
  return add('setInterval', call, clean(delay), true, args);
}

/** Calls `call` as soon as other work waits, before the timers that are due later. */
export function setImmediate<A extends unknown[]>(
  call: (...args: A) => unknown,
  ...args: A
): Timeout {
  return add('setImmediate', call, 0, false, args);
}

/** Stops a timer, given as itself or as its id; anything else is ignored. */
export function clearTimeout(timer?: unknown): void {
  if (timer instanceof Timeout) timer.close();
  else waiting.get(Number(timer))?.close();
}

/** Stops a timer; the same as `clearTimeout`. */
export const clearInterval = clearTimeout;

/** Stops a `setImmediate`; the same as `clearTimeout`. */
export const clearImmediate = clearTimeout;

function clean(delay: unknown): number {
  const ms = Math.trunc(Number(delay));
  return ms >= 1 && ms <= DELAY_MAX_MS ? ms : 1;
}

function add<A extends unknown[]>(
  name: string,
  call: (...args: A) => unknown,
  delay: number,
  repeats: boolean,
  args: A,
): Timeout {
  if (typeof call !== 'function') {
    throw new TypeError(`${name} takes a function, and was given ${typeof call}.`);
  }
  const timer = new Timeout(++lastId, 0, delay, repeats, () => call(...args));
  start(timer, now() + delay);
  return timer;
}

function start(timer: Timeout, due: number): void {
  timer.due = due;
  waiting.set(timer.id, timer);
  if (!driving) {
    driving = true;
    void drive();
  }
}

function now(): number {
  return Math.max(performance.now(), reached);
}

/** Fires timers one after the other until none is left. */
async function drive(): Promise<void> {
  let part = SLEEP_FIRST_MS;
  while (waiting.size > 0 && !loop.ended) {
    if (!(await idle())) part = SLEEP_FIRST_MS;
    const timer = earliest();
    if (!timer || loop.ended) break;
    const left = timer.due - now();
    if (left > part) {
      sleepFor(part);
      part = Math.min(part * SLEEP_GROWTH, SLEEP_MAX_MS);
    } else {
      if (left > 0) sleepFor(left);
      part = SLEEP_FIRST_MS;
      fire(timer);
    }
  }
  // Whoever set `ended` has no use for what is left.
  if (loop.ended) waiting.clear();
  driving = false;
}

/** The timer that is due first; of several, the one that was started first. */
function earliest(): Timeout | undefined {
  let first: Timeout | undefined;
  for (const timer of waiting.values()) {
    if (!first || timer.due < first.due) first = timer;
  }
  return first;
}

/** Sleeps in the host; from then on so much time has passed, whatever the clock says. */
function sleepFor(ms: number): void {
  reached = now() + ms;
  sleep(Math.ceil(ms));
}

function fire(timer: Timeout): void {
  waiting.delete(timer.id);
  if (timer.repeats) start(timer, now() + timer.delay);
  else timer.close();
  try {
    timer.call();
  } catch (error) {
    if (loop.uncaught) loop.uncaught(error);
    else line('error', `A timer's function threw: ${String(error)}`);
  }
}

/**
 * Comes back when a timer is due, or when all others seem to wait for something. False if
 * they were seen to work in the meantime.
 */
async function idle(): Promise<boolean> {
  let alone = true;
  let calls = requestsSent();
  let looked = performance.now();
  for (let quiet = 0; quiet < IDLE_ROUNDS; quiet++) {
    await undefined;
    if (quiet % LOOK_ROUNDS !== LOOK_ROUNDS - 1) continue;
    const time = performance.now();
    if (time - looked >= WORK_MS || calls !== requestsSent()) {
      alone = false;
      quiet = 0;
    }
    calls = requestsSent();
    looked = time;
    if (isDue(time)) break;
  }
  return alone;
}

function isDue(time: number): boolean {
  const first = earliest();
  return first === undefined || first.due <= Math.max(time, reached);
}
