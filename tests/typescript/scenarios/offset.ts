// Pagination by offset.

import { at, rows, type Scenarios } from '../runner/scenario.ts';

const scenarios: Scenarios = {
  'offset-by-response-size': {
    // Pages of 7, 7 and 4, whatever is asked for.
    routes: {
      'GET /v1/warehouses': ({ query }) => ({
        items: at(rows(18, (id) => ({ id, name: `Depot ${id}`, ...(id % 3 === 0 && { town: `Town ${id}` }) })), query.get('offset'), 7),
      }),
    },
    leaves: { Warehouse: 18 },
  },
  'offset-per-page': {
    routes: {
      'GET /tickets': ({ query, run }) => {
        const all = rows(run === 1 ? 47 : 45, (n) => ({ key: `T-${n}`, title: `Ticket ${n}`, open: n % 2 === run - 1 }));
        return { tickets: at(all, (Number(query.get('page')) - 1) * 20, 20) };
      },
    },
    // What is no longer listed stays: this sync tracks no deletes.
    runs: [{}, {}],
    leaves: { Ticket: 47 },
  },
  'offset-in-post-body': {
    routes: {
      'POST /products/search': ({ body }) => ({
        hits: at(rows(20, (n) => ({ uid: `p${n}`, sku: `SKU-${n}`, price: n + 0.99 })), body.from, body.size),
      }),
    },
    leaves: { Product: 20 },
  },
  'offset-dotted-body-names': {
    routes: {
      'POST /deals/query': ({ body }) => ({
        data: { deals: at(rows(12, (n) => ({ id: `d${n}`, stage: { label: `Stage ${n % 3}` } })), body.paging.skip, body.paging.take) },
      }),
    },
    leaves: { Deal: 12 },
  },
  'offset-post-in-query': {
    routes: {
      'POST /reports': ({ query }) => at(rows(8, (id) => ({ id, rows: id * 10 })), query.get('start'), query.get('max')),
    },
    leaves: { Report: 8 },
  },
  'offset-get-in-body': {
    routes: { 'GET /flags': [{ id: 'red' }, { id: 'green' }] },
    leaves: { Flag: 2 },
  },
  'offset-on-page': {
    routes: {
      'GET /visits': ({ query }) => ({ total: 10, visits: at(rows(10, (n) => ({ id: `v${n}` })), query.get('offset'), query.get('limit')) }),
    },
    leaves: { Visit: 10, Progress: 1 },
  },
  'offset-limit-as-text': {
    routes: {
      'GET /members': ({ query }) =>
        at(rows(15, (n) => ({ member_id: `m${n}`, ...(n % 2 && { email: `m${n}@club.test` }) })), query.get('skip'), query.get('count')),
    },
    leaves: { Member: 15 },
  },
  'offset-empty-first-page': { routes: { 'GET /alerts': { alerts: [] } }, leaves: { Alert: 0 }, logs: true },
  'offset-path-with-index': {
    routes: {
      'GET /sensors/readings': ({ query }) => ({
        sensors: [{ series: { points: at(rows(5, (t) => ({ t, c: t / 10 })), Number(query.get('page')) * 2, 2) } }, { series: { points: [{ t: 99, c: 0 }] } }],
      }),
    },
    leaves: { Reading: 5 },
  },
  'offset-shared-params': {
    routes: {
      'GET /journal/:kind': ({ query, params }) =>
        at(rows(params.kind === 'notes' ? 5 : 3, (id) => ({ id })), query.get('offset'), query.get('limit')),
      'GET /journal/summary': { entries: 8 },
    },
    leaves: { Entry: 8 },
  },
};

export default scenarios;
