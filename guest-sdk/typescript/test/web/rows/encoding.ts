import type { Row } from '../rows.ts';

const TEXTS = ['', 'plain', 'häß', '€', '😀', 'a\ud800b', '\udc00', '\ud83d', '\0\x7f\x80\u07ff\u0800\uffff\u{10000}\u{10ffff}', '\ufeffmark'];

/** Bytes as hexadecimal text: well formed, cut off, too long, too high, not UTF-8 at all. */
const BYTES = [
  '', '61', 'c3a4', 'c3', 'c361', 'e282ac', 'e282', 'e28261', 'f09f9880', 'f09f98', 'f09f', 'f0', 'f08080af',
  'c080', 'c1bf', 'e08080', 'eda080', 'f4908080', 'f5808080', 'ff', 'fe61ff', '80', 'bf80', 'efbbbf61', 'efbbbf',
  '61efbbbf', 'efbb', 'f0808061', 'e0a061c3a4', 'c3a4c3a4c3', 'fffe6100', 'feff0061', '3dd800de', '3dd8', '00de', '61003dd8', '610',
];

const LABELS = ['utf-8', 'UTF8', ' utf-8 ', 'utf-16le', 'utf-16', 'utf-16be', 'ucs-2', 'nonsense', 'utf-32'];

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function random(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

/** Decodes in pieces of `size` bytes. */
function pieces(label: string, all: Uint8Array, size: number): string {
  const decoder = new TextDecoder(label);
  let text = '';
  for (let at = 0; at < all.length; at += size) text += decoder.decode(all.subarray(at, at + size), { stream: true });
  return text + decoder.decode();
}

export const rows: Row[] = [
  ...TEXTS.map((text): Row => [`encode ${JSON.stringify(text)}`, () => new TextEncoder().encode(text)]),
  ...TEXTS.map((text): Row => [`encodeInto ${JSON.stringify(text)}`, () => {
    const into = new Uint8Array(4);
    return [new TextEncoder().encodeInto(text, into), into];
  }]),
  ...BYTES.map((hex): Row => [`decode ${hex}`, () => new TextDecoder().decode(bytes(hex))]),
  ...BYTES.map((hex): Row => [`fatal ${hex}`, () => new TextDecoder('utf-8', { fatal: true }).decode(bytes(hex))]),
  ...BYTES.map((hex): Row => [`ignoreBOM ${hex}`, () => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes(hex))]),
  ...['utf-16le', 'utf-16be'].flatMap((label) => BYTES.map((hex): Row => [`${label} ${hex}`, () => new TextDecoder(label).decode(bytes(hex))])),
  ...['utf-8', 'utf-16le'].flatMap((label) => [1, 2, 3, 7].map((size): Row => [
    `${label} in pieces of ${size}`,
    () => BYTES.map((hex) => pieces(label, bytes(hex), size)),
  ])),
  ...LABELS.map((label): Row => [`label ${label}`, () => new TextDecoder(label).encoding]),
  ['random UTF-8', () => Array.from({ length: 40 }, (_, seed) => new TextDecoder().decode(random(200, seed)))],
  ['random UTF-8 in pieces', () => Array.from({ length: 40 }, (_, seed) => pieces('utf-8', random(200, seed), 1 + (seed % 5)))],
  ['a long text', () => { const text = 'häß€😀'.repeat(20_000); return new TextDecoder().decode(new TextEncoder().encode(text)) === text; }],
  ['encode nothing', () => [new TextEncoder().encode(), new TextEncoder().encode(undefined), new TextEncoder().encode(5 as never)]],
  ['decode nothing', () => [new TextDecoder().decode(), new TextDecoder().decode(undefined)]],
  ['decode a buffer', () => [new TextDecoder().decode(new ArrayBuffer(2)), new TextDecoder().decode(new DataView(Uint8Array.of(97, 98, 99).buffer, 1, 1)), new TextDecoder().decode(Uint16Array.of(0x6261))]],
  ['decode a string', () => new TextDecoder().decode('x' as never)],
  ['properties', () => { const d = new TextDecoder('UTF-8', { fatal: true }); return [d.encoding, d.fatal, d.ignoreBOM, new TextEncoder().encoding]; }],
  ['after a failure', () => { const d = new TextDecoder('utf-8', { fatal: true }); try { d.decode(bytes('c3')); } catch { /* expected */ } return d.decode(bytes('61')); }],
];
