/** The SDK and its test host, loaded once the module hooks are in place. */
import '../../src/testing/register.ts';
import assert from 'node:assert/strict';
import * as z from 'zod';
import type { Definition } from '../../src/guest/definition.ts';
import type { NangoSync } from '../../src/guest/nango.ts';

export const { TestHost, failure, json, status, text } = await import('../../src/testing/index.ts');
export const nango = await import('../../src/guest/nango.ts');
export const native = await import('../../src/guest/index.ts');
export const { manifestOf, DefinitionError } = await import('../../src/guest/manifest.ts');

/** A host for tests. */
export type Host = InstanceType<typeof TestHost>;

/** A model for syncs under test. */
export const User = z.looseObject({ id: z.union([z.string(), z.number()]) });

/** A sync of one model that does this. */
export function syncOf(exec: (nango: NangoSync) => Promise<void> | void, more: object = {}): Definition {
  return nango.createSync({
    description: 'A sync under test.',
    frequency: 'every hour',
    models: { User, Other: User },
    checkpoint: z.looseObject({}) as never,
    exec: exec as never,
    ...more,
  }) as Definition;
}

/** Runs `exec` as a sync of Nango's, which must end well. */
export async function on(host: Host, exec: (nango: NangoSync) => Promise<void> | void, more?: object): Promise<Host> {
  await host.mustRun(syncOf(exec, more));
  return host;
}

/** The error that `call` fails with. */
export async function errorOf(call: () => unknown): Promise<Error & Record<string, any>> {
  try {
    await call();
  } catch (error) {
    assert(error instanceof Error, `what is thrown must be an Error: ${String(error)}`);
    return error;
  }
  return assert.fail('it must fail');
}
