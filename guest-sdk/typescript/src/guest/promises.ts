/**
 * Failures that nobody hears of. On Node a promise that fails with nobody waiting ends the
 * process; this engine says nothing, and a save that failed would look like a success. So
 * the SDK's own promises know whether anybody waits for them.
 */

/** Failures of a run so far whose promise nobody has waited for. */
const failures = new Set<Heard<unknown>>();

/** A promise that knows whether anybody waits for it. */
class Heard<T> extends Promise<T> {
  /** Why it failed, if it did. */
  reason: unknown;

  // What is derived from it is a plain promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  override then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    failures.delete(this as Heard<unknown>);
    this.then = super.then;
    return super.then(done, failed);
  }
}

/** The same promise, known to {@link unheard} if it fails and nobody waits for it. */
export function heard<T>(promise: Promise<T>): Promise<T> {
  let told: Heard<T> | undefined;
  const watched: Heard<T> = new Heard<T>((done, failed) => {
    promise.then(done, (reason: unknown) => {
      if (told !== undefined && told.then === Heard.prototype.then) {
        told.reason = reason;
        failures.add(told as Heard<unknown>);
      }
      failed(reason);
    });
  });
  told = watched;
  // A handler of our own, so that Node takes it for handled until the run has ended.
  Promise.prototype.then.call(watched, undefined, () => undefined);
  return watched;
}

/** Makes every method of `type` that returns a promise return a {@link heard} one. */
export function allHeard(type: { prototype: object }): void {
  const methods = type.prototype as Record<string, unknown>;
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(methods))) {
    const method: unknown = property.value;
    if (name === 'constructor' || typeof method !== 'function') continue;
    const wrapped = function (this: unknown, ...args: unknown[]): unknown {
      const result: unknown = method.apply(this, args);
      return result instanceof Promise ? heard(result) : result;
    };
    Object.defineProperty(methods, name, { ...property, value: wrapped });
  }
}

/** The failures of this run that nobody heard of. */
export function unheard(): unknown[] {
  return [...failures].map((promise) => promise.reason);
}

/** Forgets the failures of a run before; when a run begins. */
export function begin(): void {
  failures.clear();
}
