/**
 * What a component is: what lies in it, what it does in the real engine, and where its
 * errors lead back to.
 */

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { noProgram } from '../program.ts';
import { run } from './engine.ts';
import { buildIn, SYNC, withProject, type Files } from './project.ts';
import { customSections } from './wasm.ts';

/** A sync without requests, whose `exec` is `body`. */
function sync(body: string, top = ''): string {
  return `import { createSync } from 'nango';
import { z } from 'zod';
${top}
export default createSync({
  description: 'A test.',
  version: '1.0.0',
  frequency: 'every hour',
  syncType: 'full',
  models: { User: z.object({ id: z.string() }) },
  exec: async (nango) => {
${body}
  },
});
`;
}

/** What the sync at `path` of a project with `files` logs in the engine. */
function logs(files: Files, path = 'sync.ts'): Promise<string[]> {
  return withProject(files, async (folder) => {
    const { components, problems } = await buildIn(folder, path, { check: false });
    assert.deepEqual(problems, []);
    return run(components[0]!.path, folder);
  });
}

interface Row {
  name: string;
  files: Files;
  path?: string;
  /** Each is part of a line that is logged. */
  expect: RegExp[];
}

const RUNS: Row[] = [
  {
    name: 'a module is loaded when a run begins, not when it is built',
    files: {
      'sync.ts': sync(
        '    await nango.log(`${Math.abs(Date.now() - loaded) < 60_000 && loaded > started} ${helped - loaded < 60_000}`);',
        `import { helped } from './helper.js';
const started = ${Date.now() + 3000};
const loaded = Date.now();`,
      ),
      'helper.ts': 'export const helped = Date.now();\n',
    },
    expect: [/true true/],
  },
  {
    name: 'JSON is imported',
    files: {
      'sync.ts': sync('    await nango.log(data.greeting);', "import data from './data.json';"),
      'data.json': '{ "greeting": "hello from JSON" }',
    },
    expect: [/hello from JSON/],
  },
  {
    name: 'what the engine lacks is there',
    files: {
      'sync.ts': sync(
        "    const url = new URL('/b?x=1', 'https://api.example.com/a');\n    url.searchParams.set('y', '2');\n    await nango.log(`${url} ${typeof globalThis.TextEncoder} ${new TextDecoder().decode(new TextEncoder().encode('ü'))}`);",
      ),
    },
    expect: [/https:\/\/api\.example\.com\/b\?x=1&y=2 function ü/],
  },
  {
    name: 'zod checks URLs where somebody asks it to',
    files: {
      'sync.ts': sync(
        "    await nango.log(`${z.string().url().safeParse('nothing').success} ${z.url().safeParse('https://a.b').success}`);",
      ),
    },
    expect: [/false true/],
  },
  {
    name: "the project's own zod is used, and lies ready in the component",
    files: {
      'package.json': '{}',
      'sync.ts': sync(
        // Between the build and the run lies the time that compiling takes, which is seconds.
        '    await nango.log(`${mark} ${loaded - made > 200 ? "ready" : "late"}`);',
        "import { made, mark } from 'zod';\nconst loaded = Date.now();",
      ),
      'node_modules/zod/package.json':
        '{ "name": "zod", "version": "4.0.0", "main": "index.js", "type": "module" }',
      'node_modules/zod/index.js': `export const mark = "zod of the project";
export const made = Date.now();
const schema = { _zod: { def: { type: "object" } } };
export const z = { object: () => schema, string: () => schema };
export const toJSONSchema = () => ({ type: "object", properties: { id: {} }, required: ["id"] });`,
    },
    expect: [/zod of the project ready/],
  },
  {
    name: 'a dependency is bundled',
    files: {
      'package.json': '{}',
      'sync.ts': sync("    await nango.log(pad('x', 3));", "import pad from 'padding';"),
      'node_modules/padding/package.json': '{ "name": "padding", "main": "index.js" }',
      'node_modules/padding/index.js':
        "module.exports = (text, length) => text.padStart(length, '-');",
    },
    expect: [/--x/],
  },
];

for (const row of RUNS) {
  test(row.name, { skip: noProgram }, async () => {
    const lines = await logs(row.files, row.path);
    for (const expected of row.expect) {
      assert.match(lines.join('\n'), expected);
    }
  });
}

test('an error leads to the line of the author', { skip: noProgram }, async () => {
  const files = {
    'package.json': '{}',
    'src/sync.ts': sync(
      '    await nango.log("before");\n    explode({ id: 7 });',
      "import { explode } from './deep/explode.js';",
    ),
    'src/deep/explode.ts': `interface Thing {
  id: number;
}

/** Throws. */
export function explode(thing: Thing): never {
  const unused: string[] = [];
  throw new TypeError(\`boom \${thing.id} \${unused.length}\`);
}
`,
  };
  await withProject(files, async (folder) => {
    const { components } = await buildIn(folder, 'src/sync.ts', { check: false });
    const lines = (await run(components[0]!.path, folder)).join('\n');
    const map = sourceMapOf(components[0]!.path);
    assert.deepEqual(map.sources, ['src/deep/explode.ts', 'src/sync.ts']);
    assert.equal(map.file, 'componentize-qjs:user.js');
    assert.equal('sourcesContent' in map, false);
    // The host reads the map out of the component.
    const places = [...lines.matchAll(/^ +at (\w+) \(([\w./]+:\d+):\d+\)/gm)];
    assert.deepEqual(
      places.slice(0, 2).map(([, name, place]) => `${name} ${place}`),
      ['explode src/deep/explode.ts:8', 'exec src/sync.ts:12'],
    );
  });
});

test('what nobody refers to is not in the bundle', async () => {
  await withProject(
    { 'sync.ts': SYNC, 'with.ts': sync("    await nango.log(new URL('https://a.b').href);") },
    async (folder) => {
      const inputs = async (path: string) => {
        const { components } = await buildIn(folder, path, { check: false });
        return [...components[0]!.built.inputs]
          .filter(([, bytes]) => bytes > 0)
          .map(([input]) => input)
          .join('\n');
      };
      const [plain, used] = [await inputs('sync.ts'), await inputs('with.ts')];
      assert.match(used, /src\/web\/url\.ts/);
      assert.doesNotMatch(plain, /src\/web\/(url|encoding)/);
      assert.doesNotMatch(plain, /locales\/(?!en\.)/);
    },
  );
});

test('a small sync is small', async () => {
  await withProject({ 'sync.ts': SYNC }, async (folder) => {
    const { components } = await buildIn(folder, 'sync.ts', { check: false });
    const { bytes, bundleBytes } = components[0]!.built;
    assert.ok(bundleBytes < 200_000, `${bundleBytes} bytes of JavaScript`);
    assert.ok(bytes.length < 4_000_000, `${bytes.length} bytes of component`);
  });
});

interface SourceMap {
  version: number;
  file: string;
  sources: string[];
}

function sourceMapOf(path: string): SourceMap {
  const sections = customSections(readFileSync(path));
  const [name, content] = sections.at(-1)!;
  assert.equal(name, 'tidegate:source-map');
  return JSON.parse(Buffer.from(content).toString('utf8')) as SourceMap;
}

test('a custom section is the last of the component, and the whole is still one', async () => {
  await withProject({ 'sync.ts': SYNC }, async (folder) => {
    const { components } = await buildIn(folder, 'sync.ts', { check: false });
    const map = sourceMapOf(components[0]!.path);
    assert.equal(map.version, 3);
    assert.deepEqual(map.sources, ['sync.ts']);
    assert.equal(join(folder, 'dist', 'sync.wasm'), components[0]!.path);
  });
});
