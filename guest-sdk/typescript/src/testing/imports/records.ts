/** `tidegate:sync/records` on Node. */
import { current } from '../current.ts';
import { type Summary, trap, wellFormed } from '../imports.ts';

export function batchSaveText(model: string, ndjson: string): Summary {
  return current().write('save', wellFormed(model), wellFormed(ndjson));
}
export function batchUpdateText(model: string, ndjson: string): Summary {
  return current().write('update', wellFormed(model), wellFormed(ndjson));
}
export function batchDelete(model: string, ids: string[]): number {
  return current().delete(wellFormed(model), listOf(ids));
}
export function get(model: string, ids: string[]): (string | undefined)[] {
  return current().find(wellFormed(model), listOf(ids));
}
export function list(model: string, cursor: string | undefined, limit: number): { records: string[]; next?: string } {
  return current().list(wellFormed(model), cursor, limit);
}
export function trackDeletesStart(model: string): void {
  current().openPass(wellFormed(model));
}
export function trackDeletesEnd(model: string): string[] {
  return current().closePass(wellFormed(model));
}
export function setMergingStrategy(model: string, strategy: string): void {
  if (strategy !== 'override' && strategy !== 'ignore-if-modified-after-start') trap('a merging strategy', strategy);
  current().merging(wellFormed(model), strategy);
}

/** Ids that the host takes in one call. */
const IDS_PER_CALL_MAX = 10_000;

function listOf(ids: string[]): string[] {
  if (!Array.isArray(ids)) trap('a list of ids', ids);
  if (ids.length > IDS_PER_CALL_MAX) current().fail('invalid.argument', `${ids.length} ids, limit ${IDS_PER_CALL_MAX}`);
  return ids.map(wellFormed);
}
