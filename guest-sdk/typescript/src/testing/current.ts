/** The test host that is in place, which the imports of the SDK reach. */
import type { Imports } from './imports.ts';

/** The key under which it stands: module hooks may load this file more than once. */
const KEY = Symbol.for('tidegate.testing.host');

type Holder = { [KEY]?: Imports | undefined };

/** The imports of the host that is in place. */
export function current(): Imports {
  const imports = (globalThis as Holder)[KEY];
  if (imports === undefined) {
    throw new Error('There is no host here: run this in a component, or inside `TestHost`.');
  }
  return imports;
}

/** Puts a host in place, and gives the one that was there. */
export function exchange(imports: Imports | undefined): Imports | undefined {
  const before = (globalThis as Holder)[KEY];
  (globalThis as Holder)[KEY] = imports;
  return before;
}
