/** `node:timers/promises`. */

import type { AbortSignal } from './abort.ts';
import { clearTimeout, setImmediate as startImmediate, setTimeout as startTimeout, type Timeout } from './timers.ts';

interface Options {
  signal?: AbortSignal;
  ref?: boolean;
}

function waited<T>(start: (done: () => void) => Timeout, value: T, { signal }: Options): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = start(() => resolve(value));
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}

/** Waits so many milliseconds; gives `value`. */
export function setTimeout<T = void>(ms?: number, value?: T, options: Options = {}): Promise<T> {
  return waited((done) => startTimeout(done, ms), value as T, options);
}

/** Waits until other work waits; gives `value`. */
export function setImmediate<T = void>(value?: T, options: Options = {}): Promise<T> {
  return waited((done) => startImmediate(done), value as T, options);
}

/** Gives `value` every so many milliseconds, for as long as it is asked. */
export async function* setInterval<T = void>(
  ms?: number,
  value?: T,
  options: Options = {},
): AsyncGenerator<T> {
  for (;;) {
    await setTimeout(ms, undefined, options);
    yield value as T;
  }
}

/** Waiting under other names. */
export const scheduler = {
  wait: (ms: number, options?: Options) => setTimeout(ms, undefined, options),
  yield: () => setImmediate(),
};

export default { scheduler, setImmediate, setInterval, setTimeout };
