/** What an author's module exports, whichever API it was written with. */

/** The key under which a definition knows how it is executed. */
export const EXECUTE = Symbol.for('tidegate.execute');

/** The key that says how a manifest is made of it. */
export type DefinitionType = 'sync' | 'action' | 'onEvent' | 'function' | 'tidegate-sync';

/** A definition: what `createSync`, `sync` and their kin return. */
export interface Definition {
  /** Which of them made it. */
  readonly type: DefinitionType;
  /**
   * Runs it once. Carried by the definition itself, so that a bundle holds only the API
   * that its author uses.
   */
  [EXECUTE]?: (definition: never) => Promise<void>;
}

/** Runs a definition once. */
export async function execute(definition: Definition): Promise<void> {
  const run = definition?.[EXECUTE];
  if (typeof run !== 'function') {
    throw new Error(
      "The module's default export is no sync. Write `export default createSync({ … })`, or `export default sync({ … })` with `@tidegate/sdk`.",
    );
  }
  await run(definition as never);
}
