/** `node:events`: the class that calls who listens. */

type Listener = (...args: never[]) => unknown;

interface Listening {
  call: Listener;
  once: boolean;
}

/** Something that others listen to. */
export class EventEmitter {
  /** More listeners than this may be a mistake; only kept, never told. */
  static defaultMaxListeners = 10;
  static EventEmitter: typeof EventEmitter;
  static once: typeof once;

  #listening = new Map<string | symbol, Listening[]>();
  #max: number | undefined;

  on(name: string | symbol, call: Listener): this {
    return this.#add(name, { call, once: false }, 'push');
  }

  addListener(name: string | symbol, call: Listener): this {
    return this.on(name, call);
  }

  once(name: string | symbol, call: Listener): this {
    return this.#add(name, { call, once: true }, 'push');
  }

  prependListener(name: string | symbol, call: Listener): this {
    return this.#add(name, { call, once: false }, 'unshift');
  }

  prependOnceListener(name: string | symbol, call: Listener): this {
    return this.#add(name, { call, once: true }, 'unshift');
  }

  /** Takes the listener that was added last away. */
  off(name: string | symbol, call: Listener): this {
    const all = this.#of(name);
    const at = all.findLastIndex((each) => each.call === call);
    if (at >= 0) this.#set(name, all.filter((_, index) => index !== at));
    if (at >= 0 && this.#of('removeListener').length > 0) this.emit('removeListener', name, call);
    return this;
  }

  removeListener(name: string | symbol, call: Listener): this {
    return this.off(name, call);
  }

  removeAllListeners(name?: string | symbol): this {
    if (name === undefined) this.#listening.clear();
    else this.#listening.delete(name);
    return this;
  }

  /** Calls all who listen, in order; false if nobody does. An `error` nobody hears is thrown. */
  emit(name: string | symbol, ...args: unknown[]): boolean {
    const all = this.#of(name);
    if (all.length === 0 && name === 'error') {
      throw args[0] instanceof Error ? args[0] : new Error(`Unhandled error. (${String(args[0])})`);
    }
    for (const each of all) {
      if (each.once) this.#set(name, this.#of(name).filter((other) => other !== each));
      each.call.apply(this, args as never[]);
    }
    return all.length > 0;
  }

  eventNames(): (string | symbol)[] {
    return [...this.#listening.keys()];
  }

  listeners(name: string | symbol): Listener[] {
    return this.#of(name).map((each) => each.call);
  }

  rawListeners(name: string | symbol): Listener[] {
    return this.listeners(name);
  }

  listenerCount(name: string | symbol, call?: Listener): number {
    return this.#of(name).filter((each) => call === undefined || each.call === call).length;
  }

  setMaxListeners(count: number): this {
    this.#max = count;
    return this;
  }

  getMaxListeners(): number {
    return this.#max ?? EventEmitter.defaultMaxListeners;
  }

  #of(name: string | symbol): readonly Listening[] {
    return this.#listening.get(name) ?? [];
  }

  #set(name: string | symbol, all: Listening[]): void {
    if (all.length > 0) this.#listening.set(name, all);
    else this.#listening.delete(name);
  }

  #add(name: string | symbol, each: Listening, how: 'push' | 'unshift'): this {
    if (typeof each.call !== 'function') {
      throw new TypeError(`A listener must be a function, and is ${typeof each.call}.`);
    }
    if (this.#of('newListener').length > 0) this.emit('newListener', name, each.call);
    const all = [...this.#of(name)];
    all[how](each);
    this.#set(name, all);
    return this;
  }
}

/** Waits for the next event of a name; gives what it came with. An `error` rejects. */
export function once(emitter: EventEmitter, name: string | symbol): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => {
      emitter.off(name, came);
      reject(error);
    };
    const came = (...args: unknown[]) => {
      emitter.off('error', failed);
      resolve(args);
    };
    emitter.once(name, came);
    if (name !== 'error') emitter.once('error', failed);
  });
}

EventEmitter.EventEmitter = EventEmitter;
EventEmitter.once = once;

export default EventEmitter;
