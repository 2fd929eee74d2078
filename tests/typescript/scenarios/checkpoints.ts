// Checkpoints: of each type, after failures, kills and interruptions.

import { type Asked, at, cursored, reply, rows, type Scenarios } from '../runner/scenario.ts';

const minute = (n: number) => `2026-11-01T00:${String(n).padStart(2, '0')}:00Z`;

/** Contacts in the order of their changes: the second run finds two new ones and a change. */
const contacts = (run: number) => {
  const first = rows(10, (n) => ({ id: `c${n}`, name: `Contact ${n}`, modified: minute(n) }));
  const later = [...first.slice(1), { id: 'c1', name: 'Renamed', modified: minute(20) }, ...rows(2, (n) => ({ id: `new${n}`, name: `New ${n}`, modified: minute(20 + n) }))];
  return run === 1 ? first : later;
};

const scenarios: Scenarios = {
  'checkpoint-text': {
    routes: {
      'GET /contacts': ({ query, run }) => ({
        contacts: at(contacts(run).filter(({ modified }) => modified > (query.get('since') ?? '')), query.get('offset'), 4),
      }),
    },
    runs: [{}, {}, {}],
    leaves: { Contact: 12 },
  },
  'checkpoint-number': {
    routes: {
      'GET /events': ({ query, run }) => ({ events: rows(run === 1 ? 4 : 6, (seq) => ({ seq, type: `t${seq}` })).filter(({ seq }) => seq > Number(query.get('after'))) }),
    },
    runs: [{}, {}, {}],
    leaves: { Event: 6 },
    logs: true,
  },
  'checkpoint-boolean': {
    routes: { 'GET /posts/all': rows(5, (n) => ({ id: `p${n}`, likes: 0 })), 'GET /posts/recent': ({ run }) => [{ id: 'p5', likes: run }, { id: `p${4 + run}`, likes: 1 }] },
    runs: [{}, {}],
    leaves: { Post: 6 },
  },
  'checkpoint-of-date': {
    routes: { 'GET /commits': ({ run }) => rows(3, (n) => ({ sha: `${run}-${n}`, date: `2026-11-0${run}T10:0${n}:00+02:00` })) },
    runs: [{}, {}],
    leaves: { Commit: 6 },
  },
  'checkpoint-mixed': {
    routes: {
      'GET /lists/:list': ({ params, query, run }) => {
        const page = Number(query.get('page'));
        if (run === 1 && params['list'] === 'beta' && page === 2) return reply(400, {});
        if (run === 2 && params['list'] === 'gamma' && page === 2) return reply(500, {});
        return { lines: [`${params['list']}-${page}a`, `${params['list']}-${page}b`], more: page < 3 };
      },
    },
    runs: [{ ends: 'failed' }, { ends: 'failed' }, {}, {}],
    leaves: { Line: 18 },
  },
  'checkpoint-optional-fields': {
    routes: { 'GET /pages': ({ run }) => (run === 1 ? { pages: [{ id: 'a' }], next: 'T1' } : { pages: [{ id: `b${run}` }], next: null, now: `2026-11-0${run}` }) },
    runs: [{}, {}, {}],
    leaves: { Page: 3 },
  },
  'checkpoint-cleared': {
    routes: {
      'GET /students': ({ query, run }) => {
        const page = Number(query.get('page'));
        if (run === 1 && page === 3) return reply(503, {});
        return { students: at(rows(9, (n) => ({ n, grade: n % 6 })), (page - 1) * 2, 2) };
      },
    },
    runs: [{ ends: 'failed' }, {}, {}],
    leaves: { Student: 9 },
    logs: true,
  },
  'checkpoint-read-back': { routes: {}, runs: [{}, {}], leaves: { Seen: 1 } },
  'checkpoint-after-kill': {
    routes: {
      'GET /messages': ({ query, run }: Asked) => {
        const { page, next } = cursored(rows(11, (n) => ({ id: `m${n}`, text: `text ${n} of run ${run}` })), query.get('cursor'), 3);
        return { messages: page, next };
      },
    },
    runs: [{ killedAt: ['GET /messages', 3] }, { killedAt: ['GET /messages', 1] }, {}],
    leaves: { Message: 11 },
  },
  'checkpoint-past-soft-limit': {
    routes: { 'GET /rows': ({ query }) => at(rows(7, (n) => `r${n}`), query.get('offset'), query.get('limit')) },
    runs: [{ pastSoftLimit: true, ends: 'interrupted' }, { pastSoftLimit: true, ends: 'interrupted' }, {}, { pastSoftLimit: true }],
    leaves: { Row: 7 },
  },
  'checkpoint-not-reached': {
    routes: { 'GET /bills': ({ query, run }) => (run === 1 && query.get('page') === '3' ? reply(404, {}) : rows(2, (n) => ({ no: Number(query.get('page')) * 10 + n, paid: run > 1 }))) },
    runs: [{ ends: 'failed', says: '404' }, {}, {}],
    leaves: { Bill: 6 },
  },
  'checkpoint-not-flat': { routes: {}, leaves: { Try: 4 } },
};

export default scenarios;
