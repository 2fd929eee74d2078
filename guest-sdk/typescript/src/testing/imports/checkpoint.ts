/** `tidegate:sync/checkpoint` on Node. */
import { current } from '../current.ts';
import { wellFormed } from '../imports.ts';

export function get(): string | undefined {
  return current().checkpoint();
}
export function save(json: string): void {
  current().saveCheckpoint(wellFormed(json));
}
export function clear(): void {
  current().clearCheckpoint();
}
