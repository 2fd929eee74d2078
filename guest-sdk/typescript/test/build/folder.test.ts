/**
 * Folders: which files of one are its syncs, what they are called, and that the same
 * source gives the same bytes wherever it lies.
 */

import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findEntries } from '../../src/build/entries.ts';
import { BuildError } from '../../src/build/messages.ts';
import { buildIn, SYNC, withProject, type Files } from './project.ts';

const ACTION =
  "import { createAction } from 'nango';\nexport default createAction({ exec: async () => 1 });\n";
const EVENT =
  "import { createOnEvent } from 'nango';\nexport default createOnEvent({ exec: async () => {} });\n";

interface Row {
  name: string;
  files: Files;
  path?: string;
  /** `name file` of each sync. */
  syncs: string[];
  notes?: string[];
}

const FOLDERS: Row[] = [
  { name: 'a file', files: { 'a/users.ts': SYNC }, path: 'a/users.ts', syncs: ['users users.ts'] },
  { name: 'a folder with sync.ts', files: { 'sync.ts': SYNC }, syncs: ['sync sync.ts'] },
  {
    name: 'src/sync.ts before sync.ts',
    files: { 'sync.ts': SYNC, 'src/sync.ts': SYNC },
    syncs: ['sync src/sync.ts'],
  },
  {
    name: 'main before the usual places',
    files: { 'package.json': '{"main":"lib/orders.ts"}', 'lib/orders.ts': SYNC, 'sync.ts': SYNC },
    syncs: ['orders lib/orders.ts'],
  },
  {
    name: 'a main that is no source',
    files: { 'package.json': '{"main":"dist/index.js"}', 'sync.ts': SYNC },
    syncs: ['sync sync.ts'],
  },
  {
    name: 'a list in package.json',
    files: {
      'package.json': '{"tidegate":{"syncs":["src/*.ts","more/one.ts"]}}',
      'src/a.ts': SYNC,
      'src/b.ts': SYNC,
      'src/b.test.ts': '',
      'src/types.d.ts': '',
      'src/deep/c.ts': SYNC,
      'more/one.ts': SYNC,
      'more/two.ts': SYNC,
    },
    syncs: ['a src/a.ts', 'b src/b.ts', 'one more/one.ts'],
  },
  {
    name: 'an index.ts as Nango has it',
    files: {
      'package.json': '{}',
      'index.ts':
        "import './github/syncs/issues.js';\nimport './github/actions/close.js';\nimport './github/on-events/connected.js';\nimport './jira/syncs/issues.js';\nimport './slack/syncs/users.js';\n",
      'github/syncs/issues.ts': SYNC,
      'github/actions/close.ts': ACTION,
      'github/on-events/connected.ts': EVENT,
      'jira/syncs/issues.ts': SYNC,
      'slack/syncs/users.ts': SYNC,
    },
    syncs: [
      'github-issues github/syncs/issues.ts',
      'jira-issues jira/syncs/issues.ts',
      'users slack/syncs/users.ts',
    ],
    notes: [
      'github/actions/close.ts is left out: it is made with createAction, and only syncs are built.',
      'github/on-events/connected.ts is left out: it is made with createOnEvent, and only syncs are built.',
    ],
  },
];

for (const row of FOLDERS) {
  test(`entries: ${row.name}`, async () => {
    await withProject(row.files, async (folder) => {
      const found = findEntries(join(folder, row.path ?? '.'));
      const root = row.path === undefined ? folder : join(folder, row.path, '..');
      assert.deepEqual(
        found.entries.map((each) => `${each.name} ${each.file.slice(root.length + 1)}`),
        row.syncs,
      );
      assert.deepEqual(
        found.notes.map((each) => each.replaceAll(`${folder}/`, '')),
        row.notes ?? [],
      );
      assert.deepEqual(found.problems, []);
    });
  });
}

test('--name names the only sync, and no more than one', async () => {
  await withProject(
    {
      'sync.ts': SYNC,
      'package.json': '{"tidegate":{"syncs":["a.ts","b.ts"]}}',
      'a.ts': SYNC,
      'b.ts': SYNC,
    },
    async (folder) => {
      assert.deepEqual(
        findEntries(join(folder, 'sync.ts'), 'mine').entries.map((each) => each.name),
        ['mine'],
      );
      assert.throws(() => findEntries(folder, 'mine'), BuildError);
    },
  );
});

test('a folder of syncs: the good ones are built, and all that is wrong is told', async () => {
  const files = {
    'package.json': '{"tidegate":{"syncs":["*.ts"]}}',
    'bad.ts': SYNC.replace("'User')", "'Usr')"),
    'good.ts': SYNC,
    'worse.ts': SYNC.replace('export default', 'export const sync ='),
  };
  await withProject(files, async (folder) => {
    const { components, problems } = await buildIn(folder, '.');
    assert.deepEqual(
      components.map((each) => basename(each.path)),
      ['good.wasm'],
    );
    assert.deepEqual(components[0]!.built.sources, [join(folder, 'good.ts')]);
    assert.deepEqual(
      problems.map((each) => `${basename(each.place!.file)}:${each.place!.line}`),
      ['bad.ts:15', 'worse.ts:undefined'],
    );
  });
});

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

test('the same source gives the same bytes, wherever it and this package lie', async () => {
  const files = {
    'package.json': '{}',
    'src/sync.ts': SYNC.replace("'/users'", 'path(new URL("https://a.b/users"))').replace(
      'import',
      "import { path } from './path.js';\nimport",
    ),
    'src/path.ts': 'export const path = (url: URL): string => url.pathname;\n',
  };
  const here = await withProject(files, async (folder) => {
    const { components } = await buildIn(folder, 'src/sync.ts', { check: false });
    return digest(components[0]!.path);
  });
  const elsewhere = await withProject(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`other/place/${name}`, text])),
    async (folder) => {
      const copy = copyOfPackage(join(folder, 'sdk'));
      const source = join(folder, 'other', 'place', 'src', 'sync.ts');
      const output = execFileSync(
        process.execPath,
        [
          join(copy, 'bin', 'tidegate-sdk.mjs'),
          'build',
          source,
          '--out',
          join(folder, 'dist'),
          '--no-check',
        ],
        {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
          env: { ...process.env, TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8' },
        },
      );
      const told = JSON.parse(output) as {
        name: string;
        component: string;
        bytes: number;
        sources: string[];
      };
      assert.equal(told.name, 'sync');
      assert.deepEqual(
        told.sources.map((each) => each.slice(folder.length)),
        ['/other/place/src/path.ts', '/other/place/src/sync.ts'],
      );
      assert.equal(told.bytes, readFileSync(told.component).length);
      return digest(told.component);
    },
  );
  assert.equal(elsewhere, here);
});

/** This package in another place, as it is unpacked there; its libraries are linked. */
function copyOfPackage(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const part of ['bin', 'src', 'wit', 'runtime', 'package.json', 'tsconfig.json']) {
    cpSync(join(PACKAGE, part), join(folder, part), { recursive: true, dereference: true });
  }
  symlinkSync(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
