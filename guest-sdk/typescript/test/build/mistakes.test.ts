/**
 * The mistakes that authors make: each message says the file, the line where there is one,
 * and what to do. Expected texts are whole, so that a word that gets lost is seen.
 */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { SYNC, told, type Files } from './project.ts';

interface Mistake {
  name: string;
  files: Files;
  /** What is built; `sync.ts` if nothing is said. */
  path?: string;
  /** Whether types are checked; they are not if nothing is said. */
  check?: boolean;
  expect: string;
}

/** `SYNC` with its definition's `line` replaced. */
function changed(line: string, replacement: string): string {
  const text = SYNC.replace(line, replacement);
  assert.notEqual(text, SYNC, `${line} is in the sync`);
  return text;
}

const MISTAKES: Mistake[] = [
  {
    name: 'a type error',
    files: { 'sync.ts': changed("'User')", "'Usr')") },
    check: true,
    expect: `
sync.ts:15:42: error TS2345: Argument of type '"Usr"' is not assignable to parameter of type '"User"'.
   15 |     await nango.batchSave(response.data, 'Usr');
      |                                          ^
`,
  },
  {
    name: 'a type error in a file that is imported',
    files: {
      'src/sync.ts': `import { endpoint } from './paths.js';\n${changed("'/users'", 'endpoint(1)')}`,
      'src/paths.ts': 'export const endpoint = (version: number): string => version + 1;\n',
    },
    path: 'src/sync.ts',
    check: true,
    expect: `
src/paths.ts:1:54: error TS2322: Type 'number' is not assignable to type 'string'.
    1 | export const endpoint = (version: number): string => version + 1;
      |                                                      ^
`,
  },
  {
    name: 'a syntax error',
    files: { 'sync.ts': changed("'User');", "'User';") },
    check: true,
    expect: `
sync.ts:15:48: error TS1005: ')' expected.
   15 |     await nango.batchSave(response.data, 'User';
      |                                                ^
`,
  },
  {
    name: 'a syntax error where types are not checked',
    files: { 'sync.ts': changed("'User');", "'User';") },
    expect: `
sync.ts:15:48: error: Expected ")" but found ";".
   15 |     await nango.batchSave(response.data, 'User';
      |                                                ^
  hint: mend the syntax here, then build again
`,
  },
  {
    name: 'no default export',
    files: { 'sync.ts': changed('export default', 'export const sync =') },
    expect: `
sync.ts: error: the file has no default export (it exports sync), so there is no sync in it.
  hint: write \`export default createSync({ ... })\`
`,
  },
  {
    name: 'a default export that is no sync',
    files: { 'sync.ts': 'export default async () => {};\n' },
    expect: `
sync.ts: error: the default export is no sync but a function.
  hint: write \`export default createSync({ ... })\`
`,
  },
  {
    name: 'an action',
    files: {
      'sync.ts':
        "import { createAction } from 'nango';\nimport { z } from 'zod';\n\nexport default createAction({\n  description: 'Makes a user.',\n  version: '1.0.0',\n  input: z.object({}),\n  output: z.object({}),\n  exec: async () => ({}),\n});\n",
    },
    check: true,
    expect: `
sync.ts:4:16: error: The default export is an action (\`createAction\`), and Tidegate runs syncs only.
    4 | export default createAction({
      |                ^
`,
  },
  {
    name: 'no models',
    files: { 'sync.ts': changed('models: { User }', 'models: {}') },
    expect: `
sync.ts:12:3: error: \`models\` names no model. A sync saves at least one: \`models: { User: z.object({ id: z.string() }) }\`.
   12 |   models: {},
      |   ^
`,
  },
  {
    name: 'a model that is no object',
    files: { 'sync.ts': changed('models: { User }', 'models: { User: z.array(User) }') },
    expect: `
sync.ts:12:13: error: \`models.User\` is a zod array. A model is a zod object: \`z.object({ id: z.string(), … })\`.
   12 |   models: { User: z.array(User) },
      |             ^
`,
  },
  {
    name: 'a model without an id',
    files: {
      'sync.ts': changed('models: { User }', 'models: { User: z.object({ name: z.string() }) }'),
    },
    expect: `
sync.ts:12:13: error: \`models.User\` has no \`id\`. Every record has one, text or number: \`id: z.string()\`.
   12 |   models: { User: z.object({ name: z.string() }) },
      |             ^
`,
  },
  {
    name: 'a frequency that says nothing',
    files: { 'sync.ts': changed('every hour', 'evry hour') },
    expect: `
sync.ts:9:3: error: \`frequency\` is "evry hour", which says no interval. Write \`every hour\`, \`every 5 minutes\`, or \`cron: 0 6 * * 1\`.
    9 |   frequency: 'evry hour',
      |   ^
`,
  },
  {
    name: 'a Node built-in',
    files: {
      'sync.ts': `import { readFileSync } from 'node:fs';\n${changed('response.data', "JSON.parse(readFileSync('users.json', 'utf8'))")}`,
    },
    check: true,
    expect: `
sync.ts:1:30: error: the Node built-in "fs" does not exist in a sync.
    1 | import { readFileSync } from 'node:fs';
      |                              ^
  hint: a sync has no files: import a JSON file with \`import data from "./data.json"\`, keep progress in the checkpoint, or fetch it
`,
  },
  {
    name: 'a Node built-in without its prefix',
    files: { 'sync.ts': `import http from 'http';\n${changed('response.data', '[http]')}` },
    expect: `
sync.ts:1:18: error: the Node built-in "http" does not exist in a sync.
    1 | import http from 'http';
      |                  ^
  hint: call the provider with nango.get(), nango.post() or fetch(), which go through the host
`,
  },
  {
    name: 'a Node built-in within a dependency',
    files: {
      'package.json': '{}',
      'sync.ts': `import { send } from 'mailer';\n${changed('response.data', 'send()')}`,
      'node_modules/mailer/package.json': '{"name":"mailer","main":"index.js"}',
      'node_modules/mailer/index.js': "exports.send = require('smtp').send;\n",
      'node_modules/mailer/index.d.ts': 'export function send(): { id: string; name: string }[];\n',
      'node_modules/smtp/package.json': '{"name":"smtp","main":"lib.js"}',
      'node_modules/smtp/lib.js':
        "const net = require('net');\nexports.send = () => net.connect();\n",
    },
    expect: `
node_modules/smtp/lib.js:1:21: error: the Node built-in "net" does not exist in a sync ("smtp" imports it).
    1 | const net = require('net');
      |                     ^
  hint: it is imported by way of sync.ts -> mailer -> smtp
  hint: look for another package than "smtp", or do what it does with the SDK: a sync speaks HTTP only: use nango.get(), nango.post() or fetch()
`,
  },
  {
    name: 'a native module',
    files: {
      'package.json': '{}',
      'sync.ts': `import database from 'fastdb';\n${changed('response.data', 'database()')}`,
      'node_modules/fastdb/package.json': '{"name":"fastdb","main":"index.js","gypfile":true}',
      'node_modules/fastdb/index.js': "module.exports = require('./build/fastdb.node');\n",
      'node_modules/fastdb/index.d.ts':
        'export default function database(): { id: string; name: string }[];\n',
      'node_modules/fastdb/build/fastdb.node': '',
    },
    expect: `
node_modules/fastdb/index.js:1:26: error: "./build/fastdb.node" is native code, which cannot run in a sync ("fastdb" is a native module).
    1 | module.exports = require('./build/fastdb.node');
      |                          ^
  hint: it is imported by way of sync.ts -> fastdb
  hint: a sync cannot run native code: look for a package that does the same in plain JavaScript
`,
  },
  {
    name: 'a wasm module',
    files: {
      'sync.ts': `import parse from './parse.wasm';\n${changed('response.data', 'parse()')}`,
      'parse.wasm': '',
    },
    expect: `
sync.ts:1:19: error: "./parse.wasm" is a wasm module, and a sync cannot load another one.
    1 | import parse from './parse.wasm';
      |                   ^
  hint: look for an npm package that does the same in plain JavaScript
`,
  },
  {
    name: 'a file that is no code',
    files: {
      'sync.ts': `import query from './users.graphql';\n${changed("'/users'", 'query')}`,
      'users.graphql': '',
    },
    expect: `
sync.ts:1:19: error: "./users.graphql" is no JavaScript, TypeScript, JSON or text, and nothing else can be imported.
    1 | import query from './users.graphql';
      |                   ^
  hint: write the content as a .json file, or as a .ts file that exports it
`,
  },
  {
    name: 'a package that is not installed',
    files: {
      'sync.ts': `import { chunk } from 'lodash-es';\n${changed('response.data', 'chunk(response.data)')}`,
    },
    check: true,
    expect: `
sync.ts:1:23: error: the package "lodash-es" is not installed, or has no "lodash-es".
    1 | import { chunk } from 'lodash-es';
      |                       ^
  hint: run \`npm install lodash-es\` in <folder>, or remove the import
`,
  },
  {
    name: 'a file that is not there',
    files: {
      'sync.ts': `import { map } from './mapers.js';\n${changed('response.data', 'map(response.data)')}`,
    },
    expect: `
sync.ts:1:21: error: "./mapers.js" names no file.
    1 | import { map } from './mapers.js';
      |                     ^
  hint: mend the path: it is relative to this file
`,
  },
  {
    name: 'a name that a file does not export',
    files: {
      'sync.ts': `import { mapp } from './map.js';\n${changed('response.data', 'mapp(response.data)')}`,
      'map.ts': 'export const map = (rows: { id: string; name: string }[]) => rows;\n',
    },
    expect: `
sync.ts:1:10: error: "map.ts" exports no "mapp".
    1 | import { mapp } from './map.js';
      |          ^
  hint: mend the name, or export it there
`,
  },
  {
    name: 'an import() of something that is not known yet',
    files: { 'sync.ts': changed('response.data', '(await import(response.data.kind)).rows') },
    expect: `
sync.ts:15:34: error: this import() names its module by an expression, and a sync is one file: all of it must be known now.
   15 |     await nango.batchSave((await import(response.data.kind)).rows, 'User');
      |                                  ^
  hint: write the module as a string: import("./module.js"), one for each that can be meant
`,
  },
  {
    name: 'an import() of files that are not there',
    files: {
      'sync.ts': changed('response.data', "(await import('./' + response.data.kind + '.js')).rows"),
    },
    expect: `
sync.ts:15:41: error: no file matches this import().
   15 |     await nango.batchSave((await import('./' + response.data.kind + '.js')).rows, 'User');
      |                                         ^
  hint: write the module as a string: import("./module.js")
`,
  },
  {
    name: 'top-level code that throws',
    files: {
      'sync.ts': changed(
        'const User',
        'const limit = readLimit();\nfunction readLimit(): number {\n  throw new Error("no limit");\n}\nconst User',
      ),
    },
    expect: `
sync.ts:6:9: error: the file's top-level code throws Error: no limit.
    6 |   throw new Error("no limit");
      |         ^
  hint: mend it, or move it into \`exec\`
`,
  },
  {
    name: 'top-level code that calls the host',
    files: {
      'sync.ts': changed(
        'const User',
        "const answer = await fetch('https://api.example.com/limit');\nconst User",
      ),
    },
    expect: `
sync.ts:4:22: error: the file's top-level code calls the host (fetch), and there is none while a sync is built.
    4 | const answer = await fetch('https://api.example.com/limit');
      |                      ^
  hint: move the call into \`exec\`: what stands at the top of a file is loaded to describe the sync, and again when a run begins
`,
  },
  {
    name: 'the environment',
    files: { 'sync.ts': changed('const User', 'const token = process.env.TOKEN;\nconst User') },
    expect: `
sync.ts:4:15: warning: process.env is empty in a sync.
    4 | const token = process.env.TOKEN;
      |               ^
  hint: settings are in the connection's metadata: nango.getMetadata()
`,
  },
  {
    name: 'top-level code that ends the process',
    files: { 'sync.ts': changed('const User', 'globalThis["pro" + "cess"].exit(3);\nconst User') },
    expect: `
sync.ts: error: the file's top-level code ended the process, or ran out of memory.
  hint: move that code into \`exec\`
`,
  },
  {
    name: 'a global of browsers',
    files: {
      'sync.ts': changed('response.data', "[{ id: '1', name: new XMLHttpRequest().responseType }]"),
    },
    expect: `
sync.ts:15:49: warning: XMLHttpRequest does not exist in a sync.
   15 |     await nango.batchSave([{ id: '1', name: new XMLHttpRequest().responseType }], 'User');
      |                                                 ^
  hint: use nango.get(), nango.post() or fetch()
`,
  },
  {
    name: 'zod 3',
    files: {
      'package.json': '{}',
      'sync.ts': SYNC,
      'node_modules/zod/package.json': '{"name":"zod","version":"3.22.4","main":"index.js"}',
      'node_modules/zod/index.js': 'exports.z = {};\n',
    },
    expect: `
sync.ts:2:19: error: zod 3.22.4 is installed in the project, and a sync needs zod 4.
    2 | import { z } from 'zod';
      |                   ^
  hint: run \`npm install zod@4\` in the project, or remove its own zod: this package brings one
`,
  },
  {
    name: 'a folder without a package.json or a source',
    files: { 'notes.txt': '' },
    path: '.',
    expect: `
error: no sync was found in <folder>: it has no package.json, and none of index.ts, src/sync.ts, sync.ts, src/index.ts names or holds one.
  hint: name the file: \`tidegate build path/to/sync.ts\`
  hint: or list the files in package.json: "tidegate": { "syncs": ["src/*.ts"] }
  hint: or start a new one with \`tidegate new --lang ts\`
`,
  },
  {
    name: 'a folder with a package.json and no source',
    files: { 'package.json': '{}' },
    path: '.',
    expect: `
error: no sync was found in <folder>: none of index.ts, src/sync.ts, sync.ts, src/index.ts names or holds one.
  hint: name the file: \`tidegate build path/to/sync.ts\`
  hint: or list the files in package.json: "tidegate": { "syncs": ["src/*.ts"] }
  hint: or start a new one with \`tidegate new --lang ts\`
`,
  },
  {
    name: 'a package.json that is no JSON',
    files: { 'package.json': '{,}', 'sync.ts': SYNC },
    path: '.',
    expect: `
package.json: error: it is no JSON: Expected property name or '}' in JSON at position 1
  hint: mend it, then build again
`,
  },
  {
    name: 'a pattern that matches nothing',
    files: { 'package.json': '{"tidegate":{"syncs":["src/*.ts"]}}' },
    path: '.',
    expect: `
package.json: error: "tidegate.syncs" names "src/*.ts", and no file matches.
  hint: mend the pattern, or remove it
`,
  },
  {
    name: 'a path that is not there',
    files: {},
    path: 'snyc.ts',
    expect: `
error: there is no file or folder <folder>/snyc.ts.
  hint: name the sync's .ts file or its folder
`,
  },
  {
    name: 'a file that is no source',
    files: { 'sync.py': '' },
    path: 'sync.py',
    expect: `
error: <folder>/sync.py is no TypeScript or JavaScript file.
  hint: name a .ts, .tsx, .mts, .js or .mjs file, or a folder
`,
  },
  {
    name: 'an index.ts that names a file that is not there',
    files: { 'package.json': '{}', 'index.ts': "import './github/syncs/issues.js';\n" },
    path: '.',
    expect: `
index.ts:1:8: error: "./github/syncs/issues.js" names no file.
    1 | import './github/syncs/issues.js';
      |        ^
  hint: mend the path, or remove the import
`,
  },
  {
    name: 'a tsconfig.json that extends one that is not there',
    files: {
      'package.json': '{}',
      'tsconfig.json': '{ "extends": "./base.json" }',
      'sync.ts': SYNC,
    },
    check: true,
    expect: `
tsconfig.json: error TS5083: Cannot read file '<folder>/base.json'.
  hint: mend the file, then build again
`,
  },
  {
    name: 'two syncs of one name',
    files: {
      'package.json': '{"tidegate":{"syncs":["a.ts","b.ts"]}}',
      'a.ts': changed('description', "name: 'same',\n  description"),
      'b.ts': changed('description', "name: 'same',\n  description"),
    },
    path: '.',
    expect: `
b.ts: error: its name is "same", and so is that of <folder>/a.ts.
  hint: give one of them another \`name\`, or build them into different folders
`,
  },
];

for (const mistake of MISTAKES) {
  test(mistake.name, async () => {
    const { files, path = 'sync.ts', check = false } = mistake;
    assert.equal(`\n${await told(files, path, { check })}\n`, mistake.expect);
  });
}
