/**
 * The project that a sync belongs to: its folder, and the one zod that everything in its
 * bundle uses.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failure } from './messages.ts';
import { INSTALL, PACKAGE, packageFolder } from './paths.ts';

/** The folder that a sync is built in. */
export interface Project {
  /** The nearest folder upward with a package.json, else the source's own folder. */
  root: string;
  /** The folder of the one zod that everything in the bundle uses. */
  zod: string;
  /** The version of the project's own zod, where it is too old to be that one. */
  oldZod?: string;
}

/** The first version of zod that writes JSON Schemas. */
const ZOD_MAJOR_MIN = 4;

/** The project that `folder` lies in. */
export function projectOf(folder: string): Project {
  let root = folder;
  for (let each = folder; ; each = dirname(each)) {
    if (existsSync(join(each, 'package.json'))) {
      root = each;
      break;
    }
    if (dirname(each) === each) {
      break;
    }
  }
  const own = packageFolder('zod', root);
  const version = own === undefined ? undefined : readPackage(own)?.version;
  const old = version !== undefined && Number(version.split('.')[0]) < ZOD_MAJOR_MIN;
  const zod = old ? undefined : own;
  const ours = zod ?? packageFolder('zod', PACKAGE);
  if (ours === undefined) {
    throw failure('zod is not installed.', INSTALL);
  }
  return { root, zod: ours, ...(old && { oldZod: version }) };
}

/** What this tool reads of a package.json. */
export interface Package {
  main?: unknown;
  version?: string;
  tidegate?: { syncs?: unknown };
}

/** The package.json of `folder`, if it has one. Throws a `BuildError` where it is no JSON. */
export function readPackage(folder: string): Package | undefined {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) {
    return undefined;
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Package;
  } catch (error) {
    throw failure(`it is no JSON: ${(error as Error).message}`, 'mend it, then build again', {
      file,
    });
  }
}
