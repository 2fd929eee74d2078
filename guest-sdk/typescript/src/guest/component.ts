/**
 * What makes a component of an author's module: the two exports of the contract. The
 * module is loaded when a run begins, never when the component is built, because a
 * component is a snapshot and `new Date()` at the top of a module would be frozen in it.
 */
import { loop } from '../web/loop.ts';
import { type Definition, execute } from './definition.ts';
import * as fetch from './fetch.ts';
import * as log from './log.ts';
import * as promises from './promises.ts';
import { toHost } from './errors.ts';

/** The exports of a component, under the world `typescript-sync`. */
export interface Component {
  /** The manifest as JSON. */
  describe(): string;
  /** One execution for one connection. Fails with the contract's error. */
  run(): Promise<void>;
}

/** Turns of the microtask queue in which nothing is sent, after which nothing more will be. */
const QUIET_TURNS = 20;

/** The component of the module that `load` loads; `manifest` is the JSON that it tells. */
export function component(load: () => Promise<{ default: Definition }>, manifest: string): Component {
  return {
    describe: () => manifest,
    async run() {
      log.begin();
      fetch.begin();
      promises.begin();
      const timers = watchTimers();
      try {
        const module = await load();
        await execute(module.default);
        await settle();
        timers.check();
      } catch (thrown) {
        throw toHost(thrown);
      } finally {
        loop.ended = true;
      }
    },
  };
}

/** Lets timers fire from now on; `check` throws what the first of them threw. */
function watchTimers(): { check(): void } {
  let first: { error: unknown } | undefined;
  loop.ended = false;
  loop.uncaught = (error) => {
    first ??= { error };
  };
  return {
    check() {
      if (first !== undefined) throw new Error('The function of a timer failed.', { cause: first.error });
    },
  };
}

/** Lets what nobody waited for come to its end, and tells of it. */
async function settle(): Promise<void> {
  const [sent, isBusy] = [fetch.requestsSent(), fetch.requestsUnderWay() > 0];
  let before: number;
  do {
    before = fetch.requestsSent();
    for (let turn = 0; turn < QUIET_TURNS; turn++) await undefined;
  } while (fetch.requestsSent() > before);
  if (isBusy || fetch.requestsSent() > sent) {
    log.warn("The sync's function ended before all of its requests were done. Is an `await` missing?");
  }
  const [cause, ...more] = promises.unheard();
  if (cause === undefined) return;
  const others = more.length === 0 ? '' : ` So did ${more.length} more.`;
  throw new Error(`A call that nobody waited for failed; write \`await\` before it.${others}`, { cause });
}
