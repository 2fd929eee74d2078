/** `Event` and `EventTarget`, as far as signals and small programs need them. */

/** Something that happened. */
export class Event {
  readonly type: string;
  readonly cancelable: boolean;
  readonly bubbles = false;
  readonly timeStamp = performance.now();
  target: EventTarget | null = null;
  currentTarget: EventTarget | null = null;
  defaultPrevented = false;
  /** @internal */
  stopped = false;

  constructor(type: string, options: { cancelable?: boolean; bubbles?: boolean } = {}) {
    this.type = String(type);
    this.cancelable = Boolean(options.cancelable);
  }

  preventDefault(): void {
    this.defaultPrevented = this.cancelable;
  }

  stopImmediatePropagation(): void {
    this.stopped = true;
  }

  stopPropagation(): void {}
}

/** A function, or an object with one, that hears of events. */
export type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };

interface Listening {
  type: string;
  listener: Listener;
  once: boolean;
}

/** Something that events happen to. */
export class EventTarget {
  #listening: Listening[] = [];

  addEventListener(
    type: string,
    listener: Listener | null,
    options: boolean | { once?: boolean; signal?: { readonly aborted: boolean } & EventTarget } = {},
  ): void {
    const { once = false, signal } = typeof options === 'object' ? options : {};
    if (listener === null || signal?.aborted) return;
    if (this.#listening.some((each) => each.type === type && each.listener === listener)) return;
    this.#listening.push({ type, listener, once });
    signal?.addEventListener('abort', () => this.removeEventListener(type, listener), { once: true });
  }

  removeEventListener(type: string, listener: Listener | null): void {
    this.#listening = this.#listening.filter(
      (each) => each.type !== type || each.listener !== listener,
    );
  }

  /** Calls the listeners; false if one of them prevented the default. */
  dispatchEvent(event: Event): boolean {
    event.target = this;
    event.currentTarget = this;
    const handler = (this as unknown as Record<string, unknown>)[`on${event.type}`];
    if (typeof handler === 'function') handler.call(this, event);
    for (const { type, listener, once } of this.#listening) {
      if (type !== event.type || event.stopped) continue;
      if (once) this.removeEventListener(type, listener);
      if (typeof listener === 'function') listener.call(this, event);
      else listener.handleEvent(event);
    }
    event.currentTarget = null;
    return !event.defaultPrevented;
  }
}
