/**
 * Where the imports of a sync lead, as an esbuild plugin: `nango` and `@tidegate/sdk` to
 * this package, `zod` to one copy of it, Node's built-ins to their stand-ins, the host's
 * imports to the component's, and what cannot work to a refusal that names the place.
 */

import { join } from 'node:path';
import type {
  ImportKind,
  OnResolveArgs,
  OnResolveResult,
  PartialMessage,
  Plugin,
  PluginBuild,
} from 'esbuild';
import { prelude } from '../web/globals.ts';
import { PACKAGES } from '../web/node.ts';
import { GLOBALS_MODULE } from './platform.ts';
import { GUEST, isWithin, packageFolder, PACKAGE_SOURCES, WEB } from './paths.ts';
import {
  builtinName,
  builtinRefusal,
  fileRefusal,
  packageOf,
  standIn,
  type Refusal,
} from './refuse.ts';
import { ALL_PARTS, isLanguageList, languageList, leaveOut } from './zod.ts';
import type { BundleOptions } from './bundle.ts';
import type { Project } from './project.ts';

/** Marks an import that stands for a refusal, among the inputs that esbuild lists. */
export const REFUSED = 'tidegate-refused';

/** Marks the host's imports where they are stubs, among the inputs that esbuild lists. */
const STUB = 'tidegate-stub';

/** What a warning of esbuild carries that is one of ours. */
export interface RefusedImport extends Refusal {
  kind: 'refused-import';
  /** The input that stands for it, as esbuild's list names it. */
  input: string;
}

/** How the host's imports are met: `undefined` leaves them to the component. */
export type Stub = (specifier: string) => string;

/** The plugin for one bundle of `project`. */
export function resolver(project: Project, options: BundleOptions): Plugin {
  const { stub } = options;
  return {
    name: 'tidegate',
    setup(build) {
      build.onResolve({ filter: /.*/ }, (args) => resolve(build, project, args, stub));
      build.onLoad({ filter: /.*/, namespace: REFUSED }, () => ({
        // CommonJS, so that an import of any name is met.
        contents: 'module.exports = {};',
        loader: 'js',
      }));
      build.onLoad({ filter: /.*/, namespace: STUB }, (args) => ({
        contents: stub?.(args.path) ?? '',
        loader: 'js',
      }));
      build.onLoad({ filter: /.*/, namespace: GLOBALS_MODULE }, () => ({
        contents: prelude(options.platform?.globals ?? [], options.platform?.prototypes),
        loader: 'ts',
        resolveDir: WEB,
      }));
      leaveOut(build, project.zod, options.zod ?? ALL_PARTS);
    },
  };
}

/** Passed to esbuild's own resolution, so that this plugin lets it through. */
const OURS = { tidegate: true };

async function resolve(
  build: PluginBuild,
  project: Project,
  args: OnResolveArgs,
  stub: Stub | undefined,
): Promise<OnResolveResult | undefined> {
  const { path } = args;
  if (args.pluginData === OURS) {
    return undefined;
  }
  if (/^(tidegate|wasi):/.test(path)) {
    return stub === undefined
      ? { path, external: true, sideEffects: false }
      : { path, namespace: STUB, sideEffects: false };
  }
  if (path === GLOBALS_MODULE) {
    return { path, namespace: GLOBALS_MODULE, sideEffects: true };
  }
  const sdk = sdkModule(path);
  if (sdk !== undefined) {
    return { path: sdk, sideEffects: forced(args) };
  }
  if (/^zod($|\/)/.test(path)) {
    if (
      project.oldZod !== undefined &&
      path === 'zod' &&
      !isWithin(args.importer, PACKAGE_SOURCES) &&
      args.importer !== ENTRY
    ) {
      return refused(args, {
        message: `zod ${project.oldZod} is installed in the project, and a sync needs zod 4.`,
        hint: 'run `npm install zod@4` in the project, or remove its own zod: this package brings one',
      });
    }
    return passedOn(build, path, project.zod, args);
  }
  if (isLanguageList(path, args.resolveDir, project.zod)) {
    return languageList(path, args.resolveDir);
  }
  const replaced = replacement(args);
  if (replaced !== undefined) {
    return { path: replaced, sideEffects: false };
  }
  const builtin = builtinName(path);
  return builtin === undefined
    ? passedOn(build, path, args.resolveDir, args)
    : resolveBuiltin(build, builtin, args);
}

/** Our file for a built-in, or an npm package of the same name, or a refusal. */
async function resolveBuiltin(
  build: PluginBuild,
  name: string,
  args: OnResolveArgs,
): Promise<OnResolveResult> {
  const ours = standIn(name);
  if (ours !== undefined && !isWithin(args.importer, WEB)) {
    return { path: join(WEB, ours), sideEffects: false };
  }
  if (!args.path.startsWith('node:')) {
    // `import 'events'` means an installed package of that name, as bundlers take it.
    const found = await build.resolve(`${name}/`, {
      ...question(args),
      resolveDir: args.resolveDir,
    });
    if (found.errors.length === 0 && found.path !== '') {
      return { path: found.path, sideEffects: found.sideEffects };
    }
  }
  return refused(args, builtinRefusal(name));
}

/** Our file for a package that a library of `src/web` brings along and a sync does without. */
function replacement(args: OnResolveArgs): string | undefined {
  const file = Object.hasOwn(PACKAGES, args.path) ? PACKAGES[args.path] : undefined;
  const importer = file === undefined ? undefined : packageOf(args.importer);
  return importer !== undefined && packageFolder(importer.name, WEB) === importer.folder
    ? join(WEB, file ?? '')
    : undefined;
}

/** What esbuild itself makes of `path` as seen from `folder`, unless it cannot be loaded. */
async function passedOn(
  build: PluginBuild,
  path: string,
  folder: string,
  args: OnResolveArgs,
): Promise<OnResolveResult> {
  const found = await build.resolve(path, { ...question(args), resolveDir: folder });
  const refusal = found.errors.length === 0 ? fileRefusal(found.path) : undefined;
  if (refusal !== undefined) {
    return refused(args, { ...refusal, message: refusal.message.replace(found.path, path) });
  }
  return {
    path: found.path,
    namespace: found.namespace,
    external: found.external,
    suffix: found.suffix,
    sideEffects: forced(args) ?? found.sideEffects,
    errors: found.errors as PartialMessage[],
    warnings: found.warnings as PartialMessage[],
  };
}

/** The file of this package that `path` names, if it does. */
function sdkModule(path: string): string | undefined {
  const names: Record<string, string> = {
    nango: 'nango.ts',
    '@tidegate/sdk': 'index.ts',
    '@tidegate/sdk/nango': 'nango.ts',
  };
  return Object.hasOwn(names, path) ? join(GUEST, names[path] ?? '') : undefined;
}

/**
 * `true` for the entry's own imports: it imports for the sake of evaluation, which
 * esbuild would leave out of a package that says that it has no side effects.
 */
function forced(args: OnResolveArgs): true | undefined {
  return args.importer === ENTRY && args.kind !== 'dynamic-import' ? true : undefined;
}

/** The name of the virtual entry. */
export const ENTRY = 'tidegate:entry';

function question(args: OnResolveArgs): { importer: string; kind: ImportKind; pluginData: object } {
  return { importer: args.importer, kind: args.kind, pluginData: OURS };
}

function refused(args: OnResolveArgs, refusal: Refusal): OnResolveResult {
  const detail: RefusedImport = {
    kind: 'refused-import',
    input: `${REFUSED}:${args.path}`,
    ...refusal,
  };
  return {
    path: args.path,
    namespace: REFUSED,
    sideEffects: false,
    warnings: [{ text: refusal.message, detail }],
  };
}
