// Loops of the author's own.

import { at, reply, rows, type Scenarios } from '../runner/scenario.ts';

const scenarios: Scenarios = {
  'loop-by-page-number': {
    routes: {
      'GET /cities': ({ query }) => ({ cities: at(rows(30, (n) => ({ code: `C${n}`, pop: n * 1000 })), (Number(query.get('page')) - 1) * 10, 10) }),
    },
    leaves: { City: 30 },
  },
  'loop-has-more': {
    routes: {
      'GET /v1/charges': ({ query }) => {
        const from = Number(query.get('starting_after')?.slice(3) ?? 0);
        return { data: at(rows(11, (n) => ({ id: `ch_${n}`, amount: n * 199, currency: 'eur' })), from, 4), has_more: from + 4 < 11 };
      },
    },
    leaves: { Charge: 11 },
  },
  'loop-by-total': {
    routes: {
      'GET /books': ({ query }) =>
        reply(200, rows(10, (n) => ({ id: `b${n}`, title: `Book ${n}` })).slice(Number(query.get('from')), Number(query.get('to'))), { 'X-Total-Count': '10' }),
    },
    leaves: { Book: 10 },
  },
  'async-generator': {
    routes: {
      'GET /courses': { courses: ['maths', 'music'] },
      'GET /courses/:course/lessons': ({ query, params }) =>
        at(rows(params['course'] === 'maths' ? 5 : 4, (n) => ({ n, min: n * 15 })), Number(query.get('page')) * 2, 2),
    },
    leaves: { Lesson: 13 },
    logs: true,
  },
  'tree-by-recursion': {
    routes: {
      'GET /drive/:id/children': ({ params }) => {
        const id = params['id'] === 'root' ? '' : `${params['id']}`;
        return { children: id.length < 3 ? ['a', 'b'].map((name) => ({ id: id + name, name })) : [] };
      },
    },
    leaves: { Folder: 14 },
    logs: true,
  },
  'list-then-details': {
    routes: {
      'GET /pets': rows(7, (id) => ({ id })),
      'GET /pets/:id': ({ params }) => ({ id: Number(params['id']), name: `Pet ${params['id']}`, vaccinations: rows(Number(params['id']) % 3, (n) => ({ against: `v${n}` })) }),
    },
    leaves: { Pet: 7 },
  },
};

export default scenarios;
