// The language and its library: what every engine must have alike.

import { reply, type Scenarios } from '../runner/scenario.ts';

const MOMENTS = [
  '2026-11-22', '2026-11-22T10:00', '2026-11-22T10:00:00Z', '2026-11-22T10:00:00.123456Z', '2026-11-22T10:00:00+05:30', '2026-11-22 10:00:00', '2026-11-22 10:00:00Z',
  'Sun, 22 Nov 2026 10:00:00 GMT', 'Sun Nov 22 2026 10:00:00 GMT+0100', '11/22/2026', 'Nov 22, 2026', 'November 22, 2026 10:00 PM', '22 Nov 2026', '2026/11/22 10:00', '2026-11',
  '2026', 'now', '', '2026-13-01', '2026-02-30T00:00:00Z', '+012026-11-22T10:00:00Z', '20261122', '1763805600',
];

const NAMES = [
  'apple', 'Apple', 'äpfel', 'Banana', 'banana', 'zebra', 'Zoë', 'Zoe', 'zoe', 'éclair', 'eclair', 'Eclair', 'co-op', 'coop', 'co op', 'item 10', 'item 2', 'Item 1', '_private', '#tag', '1st',
  '10', '9', 'ñandú', 'nandu', 'øre', 'o', 'ß', 'ss', 'Straße', 'Strasse', '日本', 'Ω', 'я', "O'Neil", 'ONeil', 'a b', 'ab', 'A-b', 'résumé', 'resume', '🌊', '',
];

const scenarios: Scenarios = {
  'helper-modules': {
    routes: {
      'GET /v3/top-stories': { items: [{ id: 1, title: 'Hello, Wörld!', html: '<p>a &amp; b &lt;c&gt; &unknown;</p>' }] },
      'GET /v3/alteres-neues': { items: [{ id: 1, title: '  Ångström — 2 ', html: '<b>x</b>&nbsp;y' }] },
    },
    runs: [{}, {}],
    leaves: { Article: 2 },
    logs: true,
  },
  'class-client': { routes: { 'GET /figures': [{ r: 1 }, { sides: [2, 3] }, {}, { r: 0.5 }] }, leaves: { Shape: 4 } },
  'module-state': {
    routes: { 'GET /visits': [{ id: 'v1', user: 'a' }, { id: 'v2', user: 'b' }, { id: 'v3', user: 'a' }], 'GET /users/:id': ({ params, run }) => ({ name: `${params['id']} of run ${run}` }) },
    runs: [{}, {}],
    leaves: { Visit: 3 },
  },
  'module-date': { routes: { 'GET /slots': ['s1', 's2'] }, runs: [{}, {}], leaves: { Slot: 2 }, clock: true },
  'dates-parsed': { routes: { 'GET /moments': { texts: MOMENTS, numbers: [0, -1, 1763805600000, 8.64e15, 1e17] } }, leaves: { Moment: 28 } },
  'dates-reckoned': { routes: { 'GET /start': { start: '2026-01-31T23:30:00.500Z' } }, leaves: { Day: 14 } },
  bigint: { routes: { 'GET /snowflakes': { ids: ['1190000000000000001', '7', '18446744073709551615', '9007199254740992', '-5'] } }, leaves: { Id: 6 } },
  'bigint-in-record': { routes: {}, leaves: { Row: 1 } },
  'regular-expressions': {
    routes: { 'GET /text': { text: 'Due 2026-11-22, Ålesund; pay €12.50 or €7! #tide #gate 🌊🚪 now!', link: 'https://x.test/?a=1&cursor=abc%3D&b=2' } },
    leaves: { Match: 14 },
  },
  'sorted-by-locale': { routes: { 'GET /names': { names: NAMES.filter(Boolean) } }, leaves: { Name: 48 } },
  'numbers-by-locale': { routes: { 'GET /amounts': { amounts: [0, 7, 1234.5, 1234567.891, -9876.5, 0.005, 1e9, 99.995], at: '2026-11-02T23:05:09Z' } }, leaves: { Label: 7 } },
  'maps-and-sets': {
    routes: { 'GET /items': { items: [{ name: 'b', kind: 'x', n: 2 }, { name: 'a', kind: 'y', n: 1 }, { name: 'c', kind: 'x', n: 3 }, { name: 'a', kind: 'x', n: 2 }, { name: 'd', kind: 'z', n: 0 }] } },
    leaves: { Group: 16 },
  },
  'language-corners': { routes: {}, leaves: { Corner: 19 } },
  'order-of-tasks': { routes: {}, leaves: { Trace: 1 } },
  'waits-between-pages': {
    routes: { 'GET /posts': ({ n, query }) => (n === 2 ? reply(420, {}, { 'x-slow-down': '2' }) : [{ id: `p${query.get('page')}` }]) },
    leaves: { Tweet: 3 },
  },
  'url-and-search-params': {
    routes: {
      'GET /links': {
        links: ['https://user:pw@a.test:8443/p/../q?x=1#frag', 'HTTP://EXAMPLE.test:80', 'mailto:a@b.test', 'https://a.test/ä b?ö=ü', '/relative', 'https://', 'http://[::1]:3000/', 'file:///etc/hosts'],
        next: 'https://api.test/v1/items?page=1&drop=me&keep=%2B#here',
      },
      'GET /v1/items/more': ({ query }) => ({ query: query.toString() }),
    },
    leaves: { Part: 18 },
  },
  'url-of-unicode-host': { routes: { 'GET /sites': ['https://münchen.test/x', 'https://xn--mnchen-3ya.test', 'https://Plain.TEST/ü'] }, leaves: { Site: 3 } },
  buffer: { routes: { 'GET /attachment': { content: 'VGlkZWdhdGUgw7wg8J+Mig==', urlsafe: 'Pz8-Pj8_' } }, leaves: { Bytes: 13 } },
  hashes: {
    routes: { 'GET /rows': { rows: [['a', '1'], ['ü', '🌊'], []], secret: 'se¢ret' }, 'GET /signed': {} },
    headers: ['x-signature'],
    leaves: { Digest: 8 },
  },
  'web-crypto': { routes: {}, leaves: { Random: 3 } },
  'text-and-bytes': { routes: { 'GET /text': { text: 'aü€🌊\ud800', base64: 'dGlkZf8=' } }, leaves: { Bytes: 11 } },
  'structured-clone': { routes: { 'GET /tree': { tree: { leaf: [1, 2] } } }, leaves: { Copy: 5 } },
  'action-error': { routes: {}, runs: [{ ends: 'failed', says: 'please choose a workspace' }], leaves: { Row: 1 } },
  'log-levels': { routes: {}, leaves: { Row: 1 }, logs: true },
  locks: { routes: {}, leaves: { Try: 4 } },
  'thrown-values': { routes: {}, runs: [{ ends: 'failed', says: 'out of stock' }], leaves: { Thrown: 9 } },
  'errors-of-the-engine': { routes: {}, leaves: { Caught: 16 } },
  'environment-and-attributes': { routes: {}, leaves: { Fact: 3 }, logs: true },
};

export default scenarios;
