/** `node:assert/strict`. */

export {
  AssertionError, deepStrictEqual as deepEqual, deepStrictEqual, doesNotMatch, fail, ifError, match,
  notDeepStrictEqual as notDeepEqual, notDeepStrictEqual, notStrictEqual as notEqual, notStrictEqual,
  ok, rejects, strict, strict as default, strictEqual as equal, strictEqual, throws,
} from './node-assert.ts';
