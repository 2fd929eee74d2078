/** Gives a prototype methods in the place of the engine's, not enumerable as those are. */
export function replace<T extends object>(prototype: T, methods: object): void {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}
