/**
 * A long time cut into windows: days, weeks or months, one after the other, each recorded
 * when it is complete.
 *
 * Windows are half-open (`from` belongs to it, `to` does not), in UTC civil dates, and
 * anchored to the start: the third month from 31 January begins on 31 March, not on the
 * 29th that the one before ended at. Progress stands in the metadata in the form that the
 * Rust SDK has, so that a sync can be taken over from one language to the other.
 */
import * as check from './check.ts';
import * as metadata from './metadata.ts';
import { TidegateError, refused } from './errors.ts';

/** The field of the metadata in which a backfill keeps its {@link Progress}. */
export const PROGRESS_FIELD = 'window';

/** Milliseconds of a day in UTC, which has no other kind. */
const DAY_MS = 24 * 60 * 60 * 1000;

/** A civil date as `2024-01-31`. */
export type CivilDate = string;

/**
 * How long a window is. Choose it so that one window is a few minutes' work: a window that
 * is cut short is fetched again.
 */
export type Every = { days: number } | { weeks: number } | { months: number };

/** One window: `from` belongs to it, `to` does not. */
export interface Window {
  /** Its first day. */
  from: CivilDate;
  /** The day after its last. */
  to: CivilDate;
  /** The first instant that belongs to it, at midnight UTC. */
  since: Date;
  /** The first instant that no longer belongs to it. */
  until: Date;
  /** The last second that belongs to it, for a provider whose own `until` is inclusive. */
  lastSecond: Date;
}

/** How far a backfill is, as it stands in the connection's metadata. */
export interface Progress {
  /** The first day of the whole. */
  from: CivilDate;
  /** The day after its last. */
  to: CivilDate;
  /** The length of its windows. */
  every: Every;
  /** Everything before this day is complete. */
  done: CivilDate;
}

/**
 * The windows from a first day to a day that no longer belongs to them. The last one may
 * be shorter. None where `from` is not before `to`. With `after`, without those before
 * that day; a window that holds it begins there.
 */
export function* windows(
  from: CivilDate | Date,
  to: CivilDate | Date,
  every: Every,
  after?: CivilDate,
): Generator<Window, void, void> {
  const [start, end] = [dayOf(from, '`from`'), dayOf(to, '`to`')];
  const skipped = after === undefined ? start : dayOf(after, '`after`');
  const step = stepOf(every);
  let begin = start;
  for (let index = 1; begin < end; index++) {
    const stop = Math.min(step(start, index), end);
    if (stop > skipped) yield windowOf(Math.max(begin, skipped), stop);
    begin = stop;
  }
}

/** Midnight UTC of a civil date. */
export function midnight(day: CivilDate): Date {
  return new Date(dayOf(day, 'The day') * DAY_MS);
}

/** The civil date of an instant, in UTC. */
export function civilDate(instant: Date): CivilDate {
  return textOf(dayOf(instant, 'The day'));
}

/** The same day of the month, `months` later or earlier; the month's last day if it is shorter. */
export function addMonths(day: CivilDate, months: number): CivilDate {
  return textOf(monthsLater(dayOf(day, 'The day'), months));
}

/**
 * Works through `[from, to)` window by window, oldest first, and answers where the backfill
 * ended: from there on, fetch what is new. `each` does the work of one window; `complete`
 * is called once it is recorded.
 */
export async function backfill(
  from: CivilDate | Date,
  to: CivilDate | Date,
  every: Every,
  each: (window: Window, done: number, total: number) => Promise<void>,
  complete: () => void,
): Promise<Date> {
  const progress = plan(from, to, every);
  const total = [...windows(progress.from, progress.to, every)].length;
  const left = [...windows(progress.from, progress.to, every, progress.done)];
  let done = total - left.length;
  for (const window of left) {
    await each(window, done, total);
    progress.done = window.to;
    // The order matters: saving the checkpoint is where a run may be interrupted, and by
    // then the window has to count as complete.
    record(progress);
    complete();
    done++;
  }
  return midnight(progress.to);
}

/**
 * The plan to follow, recorded before its first window. A started one goes on as it was
 * planned, so that its windows stay where they were, whatever day it is now. A start
 * before the recorded one is a wish for more, and begins anew.
 */
function plan(from: CivilDate | Date, to: CivilDate | Date, every: Every): Progress {
  const first = dayOf(from, '`from`');
  const last = Math.max(dayOf(to, '`to`'), first);
  stepOf(every);
  const recorded = recordedProgress();
  if (recorded !== undefined && textOf(first) >= recorded.from) {
    const going = { ...recorded, every };
    if (JSON.stringify(going.every) !== JSON.stringify(recorded.every)) record(going);
    return going;
  }
  const fresh = { from: textOf(first), to: textOf(last), every, done: textOf(first) };
  record(fresh);
  return fresh;
}

function recordedProgress(): Progress | undefined {
  const found = metadata.get()[PROGRESS_FIELD];
  if (found === undefined || found === null) return undefined;
  const { from, to, done, every } = found as Partial<Progress>;
  try {
    stepOf(every as Every);
    return {
      from: textOf(dayOf(from as string, 'from')),
      to: textOf(dayOf(to as string, 'to')),
      done: textOf(dayOf(done as string, 'done')),
      every: every as Every,
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TidegateError(
      'metadata.invalid',
      `Reading \`${PROGRESS_FIELD}\` of the metadata, where the backfill keeps its progress: ${why}`,
    );
  }
}

function record(progress: Progress): void {
  metadata.merge({ [PROGRESS_FIELD]: progress });
}

function windowOf(from: number, to: number): Window {
  const until = new Date(to * DAY_MS);
  return {
    from: textOf(from),
    to: textOf(to),
    since: new Date(from * DAY_MS),
    until,
    lastSecond: new Date(until.getTime() - 1000),
  };
}

/** From a day and how many windows to the day on which that many end; at least one day each. */
function stepOf(every: Every): (start: number, times: number) => number {
  const [unit, length, ...more] = Object.entries(every ?? {}).flat();
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || more.length > 0) {
    throw refused(
      `How long a window is must be said as \`{ days: 7 }\`, \`{ weeks: 1 }\` or \`{ months: 1 }\`, not ${check.kindOf(every)}.`,
    );
  }
  const each = Math.max(length, 1);
  switch (unit) {
    case 'days':
      return (start, times) => start + each * times;
    case 'weeks':
      return (start, times) => start + 7 * each * times;
    case 'months':
      return (start, times) => monthsLater(start, each * times);
    default:
      throw refused(`A window is so many \`days\`, \`weeks\` or \`months\` long, not \`${String(unit)}\`.`);
  }
}

/** Days since 1970 of the date `months` later, on the month's last day if it is shorter. */
function monthsLater(day: number, months: number): number {
  const date = new Date(day * DAY_MS);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
  const lastOfMonth = utcDay(year, month + 1, 0);
  return Math.min(utcDay(year, month, date.getUTCDate()), lastOfMonth);
}

function utcDay(year: number, month: number, day: number): number {
  // `Date.UTC` takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return Math.floor(date.getTime() / DAY_MS);
}

/** Days since 1970 of a date. */
function dayOf(day: CivilDate | Date, what: string): number {
  if (day instanceof Date) {
    if (Number.isNaN(day.getTime())) throw refused(`${what} is an invalid Date.`);
    return Math.floor(day.getTime() / DAY_MS);
  }
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:T00:00:00(?:\.0+)?Z)?$/.exec(String(day));
  const [year, month, date] = (match ?? []).slice(1).map(Number);
  if (year !== undefined && month !== undefined && date !== undefined) {
    const days = utcDay(year, month - 1, date);
    if (textOf(days) === String(day).slice(0, 10)) return days;
  }
  throw refused(`${what} must be a date such as \`2024-01-31\`, not ${check.kindOf(day)}.`);
}

function textOf(day: number): CivilDate {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
