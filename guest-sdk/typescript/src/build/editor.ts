/**
 * What an editor needs to complete and check a sync without an `npm install` in its
 * folder: a tsconfig that the project's own extends.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { editorPaths } from './check.ts';
import { projectOf } from './project.ts';
import { failure, shown } from './messages.ts';
import { GUEST, PACKAGE, packageFolder, slashed } from './paths.ts';

/** The folder of a project for what this tool writes, and what the file there is called. */
const FOLDER = '.tidegate';
const FILE = 'tsconfig.json';

/** Writes `FOLDER/.tidegate/tsconfig.json`; gives its path. */
export function writeEditorSettings(path: string): string {
  const folder = resolve(path);
  if (!existsSync(folder)) {
    throw failure(`there is no folder ${shown(folder)}.`, "name the project's folder");
  }
  const ours = join(folder, FOLDER);
  mkdirSync(ours, { recursive: true });
  // Its paths are of this machine, so it belongs into no repository.
  writeFileSync(join(ours, '.gitignore'), '*\n');
  const file = join(ours, FILE);
  const text = `${JSON.stringify(settings(folder), undefined, 2)}\n`;
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    writeFileSync(file, text);
  }
  return file;
}

/** Writes it for a project whose tsconfig wants it and has none yet. */
export function ensureEditorSettings(root: string): void {
  const config = join(root, 'tsconfig.json');
  if (existsSync(config) && readFileSync(config, 'utf8').includes(`${FOLDER}/${FILE}`)) {
    writeEditorSettings(root);
  }
}

function settings(folder: string): object {
  const node = packageFolder('@types/node', folder) ?? packageFolder('@types/node', PACKAGE);
  return {
    compilerOptions: {
      target: 'ES2022',
      lib: ['ES2023'],
      module: 'ESNext',
      moduleResolution: 'bundler',
      moduleDetection: 'force',
      resolveJsonModule: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      types: [],
      paths: editorPaths(projectOf(folder)),
    },
    // An empty `include` of the project's own tsconfig is taken from here otherwise.
    files: [
      join(GUEST, 'host.d.ts'),
      ...(node === undefined ? [] : [join(node, 'index.d.ts')]),
    ].map(slashed),
    include: ['../**/*.ts', '../**/*.tsx', '../**/*.js'],
    exclude: ['../node_modules', '../dist'],
  };
}
