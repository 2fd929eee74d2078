/**
 * Locks within one run. One run at a time holds a sync of a connection, so that between
 * the runs of a sync none is needed.
 */
export class Locks {
  readonly #until = new Map<string, number>();

  /** Takes a lock; false where it is held and its time is not over. */
  take(key: string, ttlMs: number): boolean {
    const now = Date.now();
    if ((this.#until.get(key) ?? 0) > now) return false;
    this.#until.set(key, now + ttlMs);
    return true;
  }

  /** Gives a lock back; whether it was held. */
  release(key: string): boolean {
    return this.#until.delete(key);
  }

  /** Gives all locks back. */
  releaseAll(): void {
    this.#until.clear();
  }
}
