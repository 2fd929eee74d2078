// Schemas: what they let through, what they make of it, and what they say.

import { at, rows, type Scenarios } from '../runner/scenario.ts';

const address = (n: number) => ({ line1: `Street ${n}`, city: n % 4 ? `City ${n % 9}` : null, zip: null, ...(n % 2 && { geo: { lat: n / 7, lon: -n / 3 } }) });
const money = (amount: number) => ({ amount: amount.toFixed(2), currency_code: 'EUR' });

/** Every tenth lacks a total, and so does not fit. */
const order = (n: number) => ({
  id: n,
  number: `#${1000 + n}`,
  state: ['open', 'paid', 'shipped', 'cancelled'][n % 4],
  created_at: '2026-11-22T10:00:00Z',
  updated_at: n % 3 ? null : '2026-11-22T11:00:00Z',
  customer: n % 5 ? { id: n, first_name: 'Jo', last_name: `Doe ${n}`, email: null, ...(n % 2 && { addresses: [address(n + 1)] }) } : null,
  ...(n % 3 && { billing: address(n) }),
  ...(n % 7 === 0 && { shipping: address(n + 2) }),
  lines: rows(n % 4, (line) => ({ sku: `S${line}`, quantity: line, price: money(line), ...(line === 2 && { discounts: [money(1)], properties: { a: 1 } }) })),
  totals: { net: money(n), tax: money(n / 5), ...(n % 10 && { gross: money(n * 1.2) }) },
  ...(n % 2 ? { tags: 'a, b' } : n % 3 ? { tags: ['c'] } : {}),
});

const scenarios: Scenarios = {
  'zod-safe-parse': {
    routes: { 'GET /readings': [{ id: 'a', value: 1, unit: 'C' }, { id: 'b', value: -1, unit: 'K' }, { id: 3 }, null, 'text', { id: 'c', value: 0.5, unit: 'F', extra: 1 }] },
    leaves: { Reading: 2 },
    logs: true,
  },
  'zod-passthrough': {
    routes: { 'GET /objects': [{ id: 'a', name: 'A', color: 'red', nested: { x: [1] } }, { id: 'b', name: 'B' }] },
    leaves: { Open: 2, Closed: 2, Verdict: 2 },
  },
  'zod-catchall': {
    routes: { 'GET /custom': [{ id: 'a', name: null, cf_1: 'x', cf_2: 5, cf_3: null }, { id: 'b', name: 'B', cf_1: { not: 'this' } }] },
    leaves: { Custom: 1, Loose: 2 },
    logs: true,
  },
  'zod-union': {
    routes: {
      'GET /fields': {
        fields: [
          { id: 'text', value: 't', owner: { team: 'x', extra: 1 } },
          { id: 'number', value: 1.5, owner: { user: 'u' } },
          { id: 'flag', value: false, owner: null },
          { id: 'list', value: ['a'] },
          { id: 'null', value: null, owner: { team: 't', user: 'u', email: 'e' } },
          { id: 'bad', value: { a: 1 } },
          { id: 'bad owner', value: 1, owner: {} },
        ],
      },
    },
    leaves: { Field: 5 },
    logs: true,
  },
  'zod-discriminated-union': {
    routes: {
      'GET /audit': [
        { type: 'created', id: '1', by: 'ann' },
        { type: 'moved', id: '2', from: 1, to: 2 },
        { type: 'closed', id: '3' },
        { type: 'deleted', id: '4', reason: 'spam' },
        { type: 'renamed', id: '5' },
        { type: 'moved', id: '6', from: '1' },
      ],
    },
    leaves: { Audit: 4 },
    logs: true,
  },
  'zod-transform': {
    routes: {
      'GET /wares': [
        { ID: 1, Name: '  Hammer ', Tags: 'a;b;', Active: 'Y', Price: '12,50' },
        { ID: 2, Name: 'NAIL', Tags: '', Active: 0, Price: '0.01' },
        { ID: 3, Name: 'x', Tags: 'toolong;ok', Active: 1, Price: 'free' },
        { ID: '4', Name: 5, Tags: null, Active: 'N', Price: 1 },
      ],
    },
    leaves: { Ware: 2 },
    logs: true,
  },
  'zod-default': {
    routes: { 'GET /settings': [{ id: 'empty' }, { id: 'wrong', size: 'big', flags: { beta: true }, note: null }, { id: 'full', theme: 'dark', size: 3, flags: { level: 9 }, list: [], note: 'n' }] },
    leaves: { Settings: 3 },
  },
  'zod-coerce': {
    routes: {
      'GET /rows': [
        { id: 1, count: '42', open: 'false', at: '2026-11-22T10:00:00+01:00', big: '9007199254740993' },
        { id: null, count: true, open: 0, at: 0, big: 5 },
        { id: 'x', count: '4.5', open: null, at: 'never', big: 'many' },
      ],
    },
    leaves: { Row: 2 },
    logs: true,
  },
  'zod-enums': {
    routes: {
      'GET /issues': [
        { n: 1, state: 'o', level: 1, kind: 'bug' },
        { n: 2, state: 'c', level: 2, kind: 'feature' },
        { n: 3, state: 'CLOSED', level: 10, kind: 'bug' },
        { n: 4, state: 'x', level: 3, kind: 'chore' },
      ],
    },
    leaves: { Issue: 3 },
    logs: true,
  },
  'zod-records-and-tuples': {
    routes: {
      'GET /plans': [
        { id: 'a', limits: { seats: 5, gb: 10 }, points: [[1, 2], [3, 4, 'note', 'more']], tree: { name: 'root', children: [{ name: 'leaf', children: [] }, { name: 'twig', children: [{ name: 'bud', children: [] }] }] }, active: true },
        { id: 'b', limits: { seats: 'many' }, points: [[1]], tree: { name: 'root', children: [{ name: 1 }] }, active: 'yes' },
      ],
    },
    leaves: { Saved: 1 },
    logs: true,
  },
  'zod-string-formats': {
    routes: {
      'GET /texts': {
        texts: ['a@b.test', 'https://tide.test/x?y=1', '123e4567-e89b-12d3-a456-426614174000', '2026-11-22T10:00:00Z', '2026-11-22T10:00:00.123+02:00', '2026-02-30', '2026-02-28', '10:20:30', '10.0.0.1', '300.0.0.1', 'aGk=', 'AB-12', 'id_a-x', '', '123', 'ünï', 'not@an', 'http:/x', '🌊'],
      },
    },
    leaves: { Verdict: 19 },
  },
  'zod-refine': {
    routes: {
      'GET /bookings': [
        { id: '1', from: '2026-01-01', to: '2026-01-05', guests: 2, rooms: 1 },
        { id: '2', from: '2026-01-05', to: '2026-01-01', guests: 1, rooms: 3 },
        { id: '3', from: 'soon', to: '2026-13-01', guests: -1.5, rooms: 0.5 },
      ],
    },
    leaves: { Stay: 1 },
    logs: true,
  },
  'zod-derived': {
    routes: { 'GET /profiles': [{ id: '1', name: 'A', email: 'a@x', secret: 's', extra: 1 }, { id: '2', name: 'B', secret: 't', role: 'admin' }] },
    leaves: { Public: 2, Patch: 2, Keys: 2 },
  },
  'zod-validate-input': {
    routes: {},
    metadata: { since: '2026-01-01' },
    runs: [{}, { metadata: { since: 5, limit: 'x' }, ends: 'failed', says: 'Invalid input provided' }],
    leaves: { Out: 1 },
    logs: true,
  },
  'zod-provider-schema-large': {
    routes: { 'GET /orders.json': ({ query }) => ({ orders: at(rows(1000, order), Number(query.get('page')) * 250, 250) }) },
    leaves: { Order: 900 },
  },
};

export default scenarios;
