/// <reference path="./host.d.ts" />
/** Where the next run goes on: one JSON object, kept when a run fails. */
import * as host from 'tidegate:sync/checkpoint@0.1.0';
import * as check from './check.ts';
import { hosted } from './errors.ts';

/** The checkpoint, `undefined` on a first run. Failing to read it is an error. */
export function get<T = unknown>(): T | undefined {
  const json = hosted(() => host.get());
  return json === undefined || json === null ? undefined : (JSON.parse(json) as T);
}

/**
 * Saves it. When it returns, it and everything saved before it is durable. A run that must
 * stop ends here, and the next one goes on from it. `checkpoint.invalid`,
 * `checkpoint.conflict`.
 */
export function save(checkpoint: object): void {
  const json = check.jsonObject(checkpoint, 'The checkpoint');
  hosted(() => host.save(json));
}

/** Removes it: the next run starts from the beginning. */
export function clear(): void {
  hosted(() => host.clear());
}
