/** `localeCompare` against Node's ICU, over random text of several alphabets. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparer, type CollatorOptions } from '../../src/web/collation.ts';

const ASCII = range(0x20, 0x7e);
const LATIN_1 = ASCII + range(0xa0, 0xff);
const LATIN = LATIN_1 + range(0x100, 0x17f) + range(0x300, 0x30f) + '‘’“”–—…•™€ﬁ';
const MIXED = LATIN + 'αβγδεΩабвгдЯ中文字かな한글😀';

/** Alphabet, and the share of pairs that must come out as in ICU. */
const ALPHABETS: [name: string, alphabet: string, share: number][] = [
  ['few letters', 'aAbBäÄàß -_1', 1],
  ['digits', '0123456789 a.-', 1],
  ['ASCII', ASCII, 1],
  ['with controls', `${range(0, 0x1f)}\x7fabcABC`, 1],
  ['Latin-1', LATIN_1, 1],
  ['Latin', LATIN, 0.999],
  ['several scripts', MIXED, 0.97],
];

const OPTIONS: CollatorOptions[] = [
  {},
  { sensitivity: 'base' },
  { sensitivity: 'accent' },
  { sensitivity: 'case' },
  { numeric: true },
  { numeric: true, sensitivity: 'base' },
  { ignorePunctuation: true },
  { caseFirst: 'upper' },
];

const PAIRS = 4_000;

for (const [name, alphabet, share] of ALPHABETS) {
  for (const options of OPTIONS) {
    test(`${name} ${JSON.stringify(options)}`, (context) => {
      const ours = comparer(options);
      const icu = new Intl.Collator('en', options);
      const random = randomFrom(name.length);
      const wrong: string[] = [];
      for (let pair = 0; pair < PAIRS; pair++) {
        const [a, b] = pairOf([...alphabet], random);
        if (ours(a, b) !== icu.compare(a, b)) wrong.push(JSON.stringify([a, b, ours(a, b)]));
      }
      const agree = 1 - wrong.length / PAIRS;
      context.diagnostic(`${(agree * 100).toFixed(2)} % of ${PAIRS} pairs agree with ICU`);
      assert.ok(agree >= share, `only ${agree}; for example ${wrong.slice(0, 10).join(' ')}`);
    });
  }
}

function range(first: number, last: number): string {
  return Array.from({ length: last - first + 1 }, (_, at) => String.fromCharCode(first + at)).join('');
}

/** Two texts that are alike at first, so that later levels decide as well. */
function pairOf(alphabet: string[], random: (below: number) => number): [string, string] {
  const some = (length: number) =>
    Array.from({ length }, () => alphabet[random(alphabet.length)]).join('');
  const a = some(random(6));
  const change = random(4);
  if (change === 0) return [a, some(random(6))];
  if (change === 1) return [a, a.toUpperCase()];
  if (change === 2) return [a + some(1), a + some(1)];
  return [a, a.normalize('NFD').replace(/\p{M}/gu, '') + some(random(2))];
}

/** Whole numbers below a bound, the same ones for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
