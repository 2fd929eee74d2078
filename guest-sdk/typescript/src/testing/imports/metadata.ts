/** `tidegate:sync/metadata` on Node. */
import { current } from '../current.ts';
import { wellFormed } from '../imports.ts';

export function get(): string {
  return current().metadata();
}
export function set(json: string): void {
  current().setMetadata(wellFormed(json));
}
export function merge(json: string): void {
  current().mergeMetadata(wellFormed(json));
}
