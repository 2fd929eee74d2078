/**
 * From a bundle to a component: QuickJS and the bundle as one wasm component, by the
 * pinned toolchain and with the runtime that starts the same way each time.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { INSTALL, PACKAGE, RUNTIME, WIT } from './paths.ts';
import { failure } from './messages.ts';

/** The world in `wit/world.wit`. */
const WORLD = 'typescript-sync';

/** The version that the runtime belongs to: another one makes other bytes of a sync. */
export const COMPONENTIZE_VERSION = '0.4.5';

/** The name under which a component carries its source map. */
const SOURCE_MAP_SECTION = 'tidegate:source-map';

/** A component of `code`, an ES module, with `sourceMap` (JSON) as a custom section. */
export async function component(code: string, sourceMap: string): Promise<Uint8Array> {
  const { componentize } = toolchain();
  const made = await componentize({
    witPath: WIT,
    world: WORLD,
    jsSource: code,
    runtimeBytes: readFileSync(RUNTIME),
  });
  return Buffer.concat([
    made.component,
    customSection(SOURCE_MAP_SECTION, Buffer.from(sourceMap, 'utf8')),
  ]);
}

/** The toolchain, if it is there and the one that the runtime belongs to. */
function toolchain(): typeof import('componentize-qjs') {
  const load = createRequire(join(PACKAGE, 'any.js'));
  let version: string;
  try {
    version = (load('componentize-qjs/package.json') as { version: string }).version;
    if (version === COMPONENTIZE_VERSION) {
      return load('componentize-qjs');
    }
  } catch (error) {
    const said = String((error as Error).message).split('\n')[0];
    throw failure(`componentize-qjs cannot be loaded: ${said}.`, INSTALL);
  }
  throw failure(
    `componentize-qjs ${version} is installed, and ${COMPONENTIZE_VERSION} is needed: the runtime belongs to it.`,
    INSTALL,
  );
}

/** A custom section (id 0): its size, then the name with its length, then the bytes. */
export function customSection(name: string, content: Uint8Array): Uint8Array {
  const label = Buffer.from(name, 'utf8');
  const body = Buffer.concat([leb128(label.length), label, content]);
  return Buffer.concat([Buffer.of(0), leb128(body.length), body]);
}

/** `value` as unsigned LEB128, wasm's way to write a length. */
function leb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}
