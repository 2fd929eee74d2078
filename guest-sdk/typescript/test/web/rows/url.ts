import type { Row } from '../rows.ts';

const PARTS = [
  'href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname',
  'search', 'hash',
] as const;

/** Input, and base if there is one. */
const PARSED: [string, string?][] = [
  ['https://example.com'],
  ['https://example.com/a/b?c=d&e=f#g'],
  ['HTTPS://User:Pa%20ss@EXAMPLE.com:443/../a/./b/%2e%2e/c'],
  ['http://example.com:8080/'],
  ['http://example.com:80'],
  ['https://example.com:99999/'],
  ['https://example.com:0/'],
  ['https://[2001:DB8::1]:8443/x'],
  ['https://[::1%25]/'],
  ['http://0x7f.1/'],
  ['http://192.168.257/'],
  ['http://1.2.3.4.5/'],
  ['http://256.256.256.256/'],
  ['https://exa mple.com/'],
  ['https://ex%61mple.com/'],
  ['https://example.com/ä ö/ü?q=€ 1&r="<>#ß`'],
  ['https://example.com/a|b{d}'],
  ['https://example.com?a=b'],
  ['https://example.com#only'],
  ['  \t https://exam\nple.com/a\r\nb  '],
  ['//other.com/x', 'https://example.com/a/b'],
  ['/x/y', 'https://example.com/a/b?c'],
  ['x/y', 'https://example.com/a/b?c'],
  ['../x', 'https://example.com/a/b/c'],
  ['../../../../x', 'https://example.com/a/b/c'],
  ['./', 'https://example.com/a/b'],
  ['?q=1', 'https://example.com/a/b?c#d'],
  ['#h', 'https://example.com/a/b?c#d'],
  ['', 'https://example.com/a/b?c#d'],
  ['https:x', 'https://example.com/a/b'],
  ['https:/x', 'http://example.com/a/b'],
  ['http:\\\\example.com\\a\\b'],
  ['mailto:someone@example.com?subject=x y'],
  ['data:text/plain,Hello World#x'],
  ['javascript:alert(1)'],
  ['blob:https://example.com/uuid'],
  ['file:///C:/a/../b'],
  ['file://host/c|/x'],
  ['custom://Host/Path?Q#F'],
  ['custom:opaque path'],
  ['no-scheme'],
  [''],
  ['https://'],
  ['https://:80'],
  ['https://user@/x'],
  ['https://a:b@c:d@example.com/'],
  ['https://xn--mnchen-3ya.de/'],
  ['https://example.com./'],
  ['https://ex_ample.com/'],
  ['https://example.com/%zz%1'],
  ['https://example.com/\ud800'],
  ['relative', 'no base'],
  ['relative', 'mailto:x'],
];

/** What is set, on what, to what. */
const SET: [string, (typeof PARTS)[number], string][] = [
  ['https://example.com/a', 'href', 'http://other.com:81/b'],
  ['https://example.com/a', 'href', 'nonsense'],
  ['https://example.com/a', 'protocol', 'http'],
  ['https://example.com/a', 'protocol', 'ftp:'],
  ['https://example.com/a', 'protocol', 'custom'],
  ['https://example.com:8443/a', 'protocol', 'http:'],
  ['https://example.com/a', 'username', 'me@x'],
  ['https://example.com/a', 'password', 'p:w/'],
  ['https://example.com/a', 'host', 'other.com:8080'],
  ['https://example.com/a', 'host', ''],
  ['https://example.com:1/a', 'hostname', 'other.com:8080'],
  ['https://example.com:1/a', 'hostname', 'other.com'],
  ['https://example.com:1/a', 'port', '443'],
  ['https://example.com:1/a', 'port', '8080abc'],
  ['https://example.com:1/a', 'port', ''],
  ['https://example.com:1/a', 'port', '70000'],
  ['https://example.com/a?b#c', 'pathname', 'x y/../z?q#h'],
  ['https://example.com/a?b#c', 'pathname', ''],
  ['https://example.com/a?b#c', 'search', 'x=ä&y= '],
  ['https://example.com/a?b#c', 'search', '?'],
  ['https://example.com/a?b#c', 'search', ''],
  ['https://example.com/a?b#c', 'hash', 'x y'],
  ['https://example.com/a?b#c', 'hash', ''],
  ['mailto:a@b', 'host', 'x'],
  ['mailto:a@b', 'pathname', 'x'],
];

function parts(url: URL): string[] {
  return [...PARTS.map((part) => url[part]), ...[...url.searchParams].flat()];
}

const QUERIES = [
  '', '?', 'a', 'a=', '=a', '=', 'a=b', '?a=b&c=d', 'a=b&a=c', 'a=b=c', '&&a=1&&', 'a+b=c+d',
  'a%20b=%2B%26%3D', '%zz=%', 'a=%C3%A4', 'a=%E4', 'ä=ö', 'a[]=1&a[]=2', 'a=b#c', 'q=a%00b', '😀=%F0%9F%98%80',
];

export const rows: Row[] = [
  ...PARSED.map(([input, base], at): Row => [
    `parse ${at} ${JSON.stringify(input)}`,
    () => parts(base === undefined ? new URL(input) : new URL(input, base)),
  ]),
  ...PARSED.map(([input, base], at): Row => [`canParse ${at}`, () => URL.canParse(input, base)]),
  ...SET.map(([input, part, value], at): Row => [
    `set ${at} ${part}`,
    () => {
      const url = new URL(input);
      (url as unknown as Record<string, string>)[part] = value;
      return parts(url);
    },
  ]),
  ...QUERIES.map((query): Row => [
    `query ${JSON.stringify(query)}`,
    () => {
      const params = new URLSearchParams(query);
      return [[...params], params.toString(), params.get('a'), params.getAll('a'), params.has('a')];
    },
  ]),
  ['a URL is given as itself', () => new URL(new URL('https://example.com/a')).href],
  ['a URL as base', () => new URL('b', new URL('https://example.com/a/')).href],
  ['string and JSON', () => [`${new URL('https://a.b')}`, JSON.stringify({ u: new URL('https://a.b/?q=1') })]],
  ['not called with new', () => (URL as unknown as (u: string) => URL)('https://a.b')],
  ['no argument', () => new (URL as unknown as new () => URL)()],
  ['instanceof', () => new URL('https://a.b') instanceof URL],
  ['tag', () => [String(Object.prototype.toString.call(new URL('https://a.b'))), String(new URLSearchParams('a=b'))]],
  ['params of an object', () => String(new URLSearchParams({ a: '1', b: 'x y', c: 'ä&' }))],
  ['params of numbers and more', () => String(new URLSearchParams({ a: 1, b: true, c: null, d: undefined } as never))],
  ['params of pairs', () => String(new URLSearchParams([['a', '1'], ['a', '2']]))],
  ['params of a map', () => String(new URLSearchParams(new Map([['k', 'v']]) as never))],
  ['params of params', () => String(new URLSearchParams(new URLSearchParams('a=1&b=2')))],
  ['params of entries', () => String(new URLSearchParams(Object.entries({ x: 'y' })))],
  ['params of a bad pair', () => String(new URLSearchParams([['a']] as never))],
  ['params of undefined', () => String(new URLSearchParams(undefined))],
  ['characters that are kept', () => String(new URLSearchParams({ k: "azAZ09*-._~!'() %+" }))],
  ['append', () => { const p = new URLSearchParams('a=1'); p.append('a', '2'); p.append('b', ' '); return String(p); }],
  ['set', () => { const p = new URLSearchParams('a=1&b=2&a=3'); p.set('a', 'x'); p.set('c', 'y'); return String(p); }],
  ['delete', () => { const p = new URLSearchParams('a=1&b=2&a=3'); p.delete('a'); return String(p); }],
  ['delete a value', () => { const p = new URLSearchParams('a=1&b=2&a=3'); p.delete('a', '3'); return String(p); }],
  ['has a value', () => { const p = new URLSearchParams('a=1&a=3'); return [p.has('a', '3'), p.has('a', '2')]; }],
  ['sort', () => { const p = new URLSearchParams('z=1&a=2&é=3&a=1&B=4'); p.sort(); return String(p); }],
  ['size', () => new URLSearchParams('a=1&b=2&a=3').size],
  ['keys, values, entries', () => { const p = new URLSearchParams('a=1&b=2'); return [[...p.keys()], [...p.values()], [...p.entries()]]; }],
  ['forEach', () => { const seen: string[] = []; new URLSearchParams('a=1&b=2').forEach((v, k) => seen.push(k + v)); return seen; }],
  ['fromEntries', () => Object.fromEntries(new URLSearchParams('a=1&b=2&a=3'))],
  ['params change the URL', () => { const u = new URL('https://a.b/?x=1#h'); u.searchParams.set('y', 'ü z'); u.searchParams.delete('x'); return u.href; }],
  ['the URL changes the params', () => { const u = new URL('https://a.b/?x=1'); const p = u.searchParams; u.search = 'q=2'; return [String(p), p === u.searchParams]; }],
  ['all params gone', () => { const u = new URL('https://a.b/?x=1'); u.searchParams.delete('x'); return u.href; }],
  ['delete while iterating', () => { const p = new URLSearchParams('a=1&b=2&c=3'); for (const [k] of p) p.delete(k); return String(p); }],
];
