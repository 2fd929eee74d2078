/** `tidegate:sync/run` on Node. */
import { current } from '../current.ts';
import { wellFormed } from '../imports.ts';

export const id = (): string => current().facts().id;
export const connectionId = (): string => current().facts().connectionId;
export const integration = (): string => current().facts().integration;
export const syncName = (): string => current().facts().syncName;
export const variant = (): string => current().facts().variant;
export const trigger = (): string => current().facts().trigger;
export const attempt = (): number => current().facts().attempt;
export const startedAt = (): string => current().facts().startedAt;
export const deadline = (): string => current().facts().deadline;
export const memoryLimitKib = (): number => current().facts().memoryLimitKib;
export const memoryUsedKib = (): number => current().facts().memoryUsedKib;
export const connectionConfig = (): string => current().facts().config;

export function sleep(milliseconds: number): void {
  current().sleep(milliseconds);
}
export function progress(message: string, done: number, total: number | undefined): void {
  current().progress(wellFormed(message), done, total);
}
