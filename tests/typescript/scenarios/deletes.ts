// Records that go away, and ones that come back.

import { at, cursored, reply, rows, type Scenarios } from '../runner/scenario.ts';

const scenarios: Scenarios = {
  'track-deletes': {
    routes: {
      // 12 at first; then 3, 6, 9, 12 have left and 2 changed; then 3 is back.
      'GET /employees': ({ query, run }) => {
        const all = rows(12, (no) => ({ no, name: no === 2 && run > 1 ? 'Changed' : `Name ${no}`, ...(no > 1 && { boss: 1 }) }));
        return at(all.filter(({ no }) => run === 1 || no % 3 !== 0 || (run === 3 && no === 3)), query.get('offset'), query.get('limit'));
      },
    },
    runs: [{}, {}, {}],
    leaves: { Employee: 9 },
  },
  'track-deletes-two-models': {
    routes: {
      'GET /authors': ({ run }) =>
        run === 1 ? [{ name: 'Ada', novels: ['A1', 'A2'] }, { name: 'Bob', novels: ['B1'] }, { name: 'Cy', novels: [] }] : [{ name: 'Ada', novels: ['A2', 'A3'] }, { name: 'Cy', novels: ['C1'] }],
    },
    runs: [{}, {}],
    leaves: { Author: 2, Novel: 3, Journal: 2 },
    logs: true,
  },
  'track-deletes-by-definition': {
    routes: { 'GET /stock': ({ run }) => (run === 1 ? { a: 1, b: 2, c: 3 } : run === 2 ? { a: 1, c: 4, d: 5 } : reply(500, {})) },
    runs: [{}, {}, { ends: 'failed' }],
    leaves: { Sku: 3 },
  },
  'track-deletes-after-failure': {
    routes: { 'GET /hosts': ({ query, run }) => (run === 2 && query.get('page') === '2' ? reply(500, {}) : rows(run === 1 ? 3 : 2, (n) => `h${query.get('page')}${n}`)) },
    runs: [{}, { ends: 'failed' }, {}],
    leaves: { Host: 6 },
  },
  'track-deletes-resumed': {
    routes: { 'GET /assets': ({ query, run }) => rows(run < 2 ? 3 : 2, (n) => `a${query.get('page')}${n}`) },
    runs: [{}, { pastSoftLimit: true, ends: 'interrupted' }, { pastSoftLimit: true, ends: 'interrupted' }, {}],
    leaves: { Asset: 8 },
  },
  'track-deletes-after-kill': {
    routes: {
      'GET /sensors': ({ query, run }) => at(rows(10, (n) => ({ n: run === 1 ? n : n + 2, v: run })), query.get('from'), 3),
    },
    runs: [{}, { killedAt: ['GET /sensors', 3] }, {}],
    leaves: { Sensor: 10 },
  },
  'delete-by-ids': {
    routes: {
      'GET /leads': ({ run }) => {
        const leads = rows(5, (n) => ({ id: `l${n}`, email: n === 4 ? `l${n}@blocked.test` : `l${n}@ok.test` }));
        return run === 1 ? { leads, deleted: ['l2', 'nobody'] } : { leads: [leads[1]], deleted: ['l1', 'l1'] };
      },
    },
    runs: [{}, {}],
    leaves: { Lead: 3 },
  },
  'delete-archived': {
    routes: {
      'GET /deals': ({ query, run }) => {
        const deal = (id: number) => ({ id, name: `Deal ${id}`, archived_at: (id + run) % 4 === 0 ? '2026-01-01' : null, updated_at: `2026-11-0${run}T0${id}:00:00Z` });
        const { page, next } = cursored(rows(7, deal).filter(({ updated_at }) => updated_at > (query.get('since') ?? '')), query.get('next'), 3);
        return { deals: page, next };
      },
    },
    runs: [{}, {}],
    leaves: { Deal: 5 },
  },
};

export default scenarios;
