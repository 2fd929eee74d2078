import type { Row } from '../rows.ts';

const WORDS = ['z', 'a', 'Z', 'ä', 'b', 'B', 'A', 'é', 'e', 'É', 'résumé', 'resume', 'Resume', 'ß', 'ss', '10', '9', '1', '-', '_', ' ', '', 'a b', 'a-b', 'ab'];

export const rows: Row[] = [
  ['sort', () => [...WORDS].sort((a, b) => a.localeCompare(b))],
  ['sort, numeric', () => ['a10', 'a9', 'a1', 'a01', 'A2'].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))],
  ['base', () => WORDS.map((word) => Math.sign(word.localeCompare('E', 'en', { sensitivity: 'base' })))],
  ['collator', () => [...WORDS].sort(new Intl.Collator('en').compare)],
  ['against no string', () => ['undefined'.localeCompare(undefined as never), '5'.localeCompare(5 as never)]],
];
