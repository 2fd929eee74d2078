/**
 * The command line: what goes to stdout and stderr, exit codes, and what is said where
 * Node is too old or a part of the toolchain is missing.
 */

import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { SYNC, withProject } from './project.ts';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the tool of the package at `home` in `folder`. */
function tool(
  folder: string,
  args: string[],
  { home = PACKAGE, node = [] as string[] } = {},
): Promise<Outcome> {
  const command = [...node, join(home, 'bin', 'tidegate-sdk.mjs'), ...args];
  return new Promise((done) => {
    execFile(process.execPath, command, { cwd: folder }, (error, stdout, stderr) => {
      done({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

test('a build: JSON on stdout, words on stderr', async () => {
  await withProject({ 'package.json': '{}', 'src/sync.ts': SYNC }, async (folder) => {
    const { code, stdout, stderr } = await tool(folder, [
      'build',
      '.',
      '--out',
      'dist',
      '--name',
      'users',
    ]);
    const component = join(folder, 'dist', 'users.wasm');
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((each) => JSON.parse(each)),
      [
        {
          name: 'users',
          component,
          bytes: readFileSync(component).length,
          sources: [join(folder, 'src', 'sync.ts')],
        },
      ],
    );
    assert.match(
      stderr,
      /^built users: dist\/users\.wasm, \d\.\d\d MB \(\d+ kB of JavaScript\); describe .* s, bundle .* s, component .* s\n1 component, 0 errors; types checked in .* s\n$/,
    );
    assert.equal(code, 0);
  });
});

test('errors: nothing on stdout, exit code 1', async () => {
  await withProject(
    { 'sync.ts': SYNC.replace('export default', 'export const sync =') },
    async (folder) => {
      const { code, stdout, stderr } = await tool(folder, [
        'build',
        'sync.ts',
        '--out',
        'dist',
        '--no-check',
      ]);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(
        stderr,
        /^sync\.ts: error: the file has no default export .*\n {2}hint: .*\n0 components, 1 error\n$/,
      );
      assert.equal(existsSync(join(folder, 'dist')), false);
    },
  );
});

for (const args of [
  [],
  ['build'],
  ['build', 'x.ts'],
  ['biuld', 'x.ts', '--out', 'd'],
  ['build', 'x.ts', '--out', 'd', '--fast'],
]) {
  test(`usage: ${args.join(' ') || 'nothing'}`, async () => {
    const { code, stderr } = await tool(PACKAGE, args);
    assert.equal(code, 1);
    assert.match(stderr, /^error: .*\n {2}hint: tidegate-sdk build PATH --out DIR/);
  });
}

test('a Node that is too old is told before anything else', async () => {
  const old = 'Object.defineProperty(process, "versions", { value: { node: "18.20.1" } })';
  const { code, stderr } = await tool(PACKAGE, ['build'], {
    node: ['--import', `data:text/javascript,${old}`],
  });
  assert.equal(code, 1);
  assert.equal(
    stderr,
    'error: Node 18.20.1 is too old: building TypeScript syncs needs Node 20 or newer.\n  hint: install a newer Node from https://nodejs.org and run the command again\n',
  );
});

test('a toolchain that is not installed is told with where to install it', async () => {
  await withProject({ 'sync.ts': SYNC }, async (folder) => {
    const home = join(folder, 'sdk');
    for (const part of ['bin', 'src', 'package.json']) {
      cpSync(join(PACKAGE, part), join(home, part), { recursive: true });
    }
    const { code, stderr } = await tool(folder, ['build', 'sync.ts', '--out', 'dist'], { home });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: a part of the toolchain is not installed: Cannot find package 'tsx' .*\n {2}hint: run `npm install` in the folder of @tidegate\/sdk \(.*\/sdk\)\n$/,
    );
  });
});

test('the settings for an editor are all that a project needs', async () => {
  const files = {
    'package.json': '{}',
    'tsconfig.json': '{ "extends": "./.tidegate/tsconfig.json" }',
    'src/sync.ts': SYNC.replace('import', "import { createHash } from 'node:crypto';\nimport"),
    'src/bad.ts': SYNC.replace("'User')", "'Usr')"),
  };
  await withProject(files, async (folder) => {
    const { code, stderr } = await tool(folder, ['types', '.']);
    assert.deepEqual([code, stderr], [0, 'wrote .tidegate/tsconfig.json\n']);
    assert.equal(readFileSync(join(folder, '.tidegate', '.gitignore'), 'utf8'), '*\n');
    const host = {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: () => assert.fail('the tsconfig.json is read'),
    };
    const config = ts.getParsedCommandLineOfConfigFile(join(folder, 'tsconfig.json'), {}, host);
    const program = ts.createProgram(config!.fileNames, config!.options);
    const told = ts
      .getPreEmitDiagnostics(program)
      .map((each) => `${each.file?.fileName.slice(folder.length)} ${each.code}`);
    assert.deepEqual(told, ['/src/bad.ts 2345']);
  });
});
