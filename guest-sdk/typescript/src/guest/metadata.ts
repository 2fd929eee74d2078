/// <reference path="./host.d.ts" />
/** The connection's own settings and progress, shared with the app: one JSON object. */
import * as host from 'tidegate:sync/metadata@0.1.0';
import * as check from './check.ts';
import { hosted } from './errors.ts';

/** The metadata as it was written last, `{}` where none was set. */
export function get<T = Record<string, unknown>>(): T {
  return JSON.parse(hosted(() => host.get())) as T;
}

/** Replaces it, durably, with all that other runs and the app had put there. */
export function set(metadata: object): void {
  const json = check.jsonObject(metadata, 'The metadata');
  hosted(() => host.set(json));
}

/** Puts these top-level fields over the present ones, durably. */
export function merge(fields: object): void {
  const json = check.jsonObject(fields, 'The metadata to merge');
  hosted(() => host.merge(json));
}
