/// <reference path="./host.d.ts" />
/** The run itself: its facts, waiting, and telling how far it is. */
import * as host from 'tidegate:sync/run@0.1.0';
import * as check from './check.ts';
import { hosted } from './errors.ts';
import { wellFormed } from './text.ts';

/** The longest that one call may sleep, in milliseconds: longer sleeps are several calls. */
const SLEEP_MS_MAX = 10 * 60 * 1000;

/** Bytes of a KiB. */
const KIB = 1024;

/** Memory of a run in bytes. */
export interface Memory {
  /** In use, with what the host holds for the run. */
  usedBytes: number;
  /** The cap. */
  limitBytes: number;
}

/** Why a run was started. */
export type Trigger = 'manual' | 'schedule' | 'continuation';

/** The run's id. */
export const id = (): string => host.id();
/** The app's id of the connection. */
export const connectionId = (): string => host.connectionId();
/** The integration that the connection belongs to. */
export const integration = (): string => host.integration();
/** The sync's name. */
export const syncName = (): string => host.syncName();
/** The variant, `base` for the plain one. */
export const variant = (): string => host.variant();
/** Why it was started. */
export const trigger = (): Trigger => host.trigger() as Trigger;
/** 1, or one more than the execution that this one continues. */
export const attempt = (): number => host.attempt();
/** When it started. */
export const startedAt = (): Date => new Date(host.startedAt());
/** When it is ended at the latest. */
export const deadline = (): Date => new Date(host.deadline());
/** The connection's configuration, which the operator sets. */
export const config = <T = Record<string, unknown>>(): T => JSON.parse(host.connectionConfig()) as T;

/** The memory in use and the cap. */
export function memory(): Memory {
  return { usedBytes: host.memoryUsedKib() * KIB, limitBytes: host.memoryLimitKib() * KIB };
}

/** Waits, without using CPU. Everything else in the run waits with it. */
export function sleep(milliseconds: number): void {
  let left = Math.ceil(check.count(milliseconds, 'The time to sleep'));
  while (left > 0) {
    const now = Math.min(left, SLEEP_MS_MAX);
    hosted(() => host.sleep(now));
    left -= now;
  }
}

/** Says how far the run is, for progress bars: `done` of `total`, if the total is known. */
export function progress(message: string, done: number, total?: number): void {
  const all = total === undefined ? undefined : check.count(total, 'The total');
  host.progress(wellFormed(String(message)), check.count(done, 'What is done'), all);
}
