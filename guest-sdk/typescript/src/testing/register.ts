/**
 * Makes the SDK's imports resolve on Node, to whatever {@link TestHost} is in place. Load
 * it before anything that imports the SDK:
 *
 * ```sh
 * node --import tsx --import @tidegate/sdk/testing/register --test
 * ```
 */
import { register } from 'node:module';

/** The contract's interfaces, by the file that stands for each. */
const INTERFACES = ['fetch', 'records', 'checkpoint', 'metadata', 'log', 'run'];

let isRegistered = false;

/** Puts the module hooks in place, once. `nango` resolves to the SDK, too. */
export function registerHost(): void {
  if (isRegistered) return;
  isRegistered = true;
  const here = new URL('./', import.meta.url);
  const modules: Record<string, string> = {
    'wasi:random/random@0.2.0': new URL('imports/random.ts', here).href,
    nango: new URL('../guest/nango.ts', here).href,
  };
  for (const name of INTERFACES) modules[`tidegate:sync/${name}@0.1.0`] = new URL(`imports/${name}.ts`, here).href;
  const hooks = `
    const modules = ${JSON.stringify(modules)};
    export async function resolve(specifier, context, next) {
      const url = modules[specifier];
      return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
    }`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}

registerHost();
