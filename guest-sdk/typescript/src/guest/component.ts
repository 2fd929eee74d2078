/**
 * What makes a component of an author's module: the two exports of the contract. The
 * module is loaded when a run begins, never when the component is built, because a
 * component is a snapshot and `new Date()` at the top of a module would be frozen in it.
 */
import { type Definition, execute } from './definition.ts';
import * as fetch from './fetch.ts';
import * as log from './log.ts';
import { fromHost, toHost } from './errors.ts';

/** The exports of a component, under the world `typescript-sync`. */
export interface Component {
  /** The manifest as JSON. */
  describe(): string;
  /** One execution for one connection. Fails with the contract's error. */
  run(): Promise<void>;
}

/** The component of the module that `load` loads; `manifest` is the JSON that it tells. */
export function component(load: () => Promise<{ default: Definition }>, manifest: string): Component {
  return {
    describe: () => manifest,
    async run() {
      log.begin();
      fetch.begin();
      try {
        const module = await load();
        await execute(module.default);
      } catch (thrown) {
        throw toHost(fromHost(thrown));
      }
      tellOfForgotten();
    },
  };
}

function tellOfForgotten(): void {
  const forgotten = fetch.requestsUnderWay();
  if (forgotten === 0) return;
  log.warn(
    `The sync ended while ${forgotten} of its requests ${forgotten === 1 ? 'was' : 'were'} still under way; ` +
      'what would have been done with them was not. Is an `await` missing?',
  );
}
