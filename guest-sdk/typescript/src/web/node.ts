/**
 * Which module stands for which of Node's own, and for which package. Node modules that
 * are not here cannot work in a sync (files, sockets, processes), and the build refuses
 * them by name.
 */

/** Name of a Node module without `node:` -> module, relative to this folder. */
export const NODE_MODULES: Readonly<Record<string, string>> = {
  assert: 'node-assert.ts',
  'assert/strict': 'node-assert-strict.ts',
  buffer: 'node-buffer.ts',
  crypto: 'node-crypto.ts',
  events: 'node-events.ts',
  path: 'node-path.ts',
  'path/posix': 'node-path.ts',
  process: 'node-process.ts',
  querystring: 'node-querystring.ts',
  timers: 'node-timers.ts',
  'timers/promises': 'node-timers-promises.ts',
  url: 'node-url.ts',
  util: 'node-util.ts',
};

/**
 * Package -> module, relative to this folder: what the packages that this folder uses
 * bring along and a guest does without. `tr46` is 260 KB of tables for hosts in Unicode.
 */
export const PACKAGES: Readonly<Record<string, string>> = {
  tr46: 'url-host.ts',
};
