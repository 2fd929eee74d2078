/** `AbortController` and `AbortSignal`. */

import { DOMException } from './dom-exception.ts';
import { Event, EventTarget } from './events.ts';
import { setTimeout } from './timers.ts';

/** The milliseconds after which a signal is aborted, if `AbortSignal.timeout` made it. */
export let timeoutOf: (signal: AbortSignal) => number | undefined;

/** Aborts a signal; only its controller and the functions below may. */
let abort: (signal: AbortSignal, reason?: unknown) => void;

/** Says that something is no longer wanted. */
export class AbortSignal extends EventTarget {
  #reason: unknown;
  #aborted = false;
  #timeout: number | undefined;
  /** Called when it is aborted, beside the listeners. */
  onabort: ((event: Event) => unknown) | null = null;

  static {
    timeoutOf = (signal) => signal.#timeout;
    abort = (signal, reason) => {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason ?? new DOMException('This operation was aborted', 'AbortError');
      signal.dispatchEvent(new Event('abort'));
    };
  }

  /** Whether it was aborted. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** Why it was aborted. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Throws the reason if it was aborted. */
  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  /** A signal that is aborted already. */
  static abort(reason?: unknown): AbortSignal {
    const signal = new AbortSignal();
    abort(signal, reason);
    return signal;
  }

  /** A signal that is aborted after so many milliseconds, as by a timer. */
  static timeout(ms: number): AbortSignal {
    const signal = new AbortSignal();
    const reason = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    setTimeout(() => abort(signal, reason()), ms);
    signal.#timeout = ms;
    return signal;
  }

  /** A signal that is aborted when one of these is. */
  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const signal = new AbortSignal();
    const all = [...signals];
    const timeouts = all.map((each) => each.#timeout).filter((ms) => ms !== undefined);
    if (timeouts.length > 0) signal.#timeout = Math.min(...timeouts);
    const first = all.find((each) => each.aborted);
    if (first) abort(signal, first.reason);
    for (const each of first ? [] : all) {
      each.addEventListener('abort', () => abort(signal, each.reason), { once: true });
    }
    return signal;
  }
}

/** Holds a signal, and aborts it. */
export class AbortController {
  readonly signal: AbortSignal = new AbortSignal();

  abort(reason?: unknown): void {
    abort(this.signal, reason);
  }
}
