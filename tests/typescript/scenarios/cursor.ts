// Pagination by cursor.

import { cursored, rows, reply, type Scenarios } from '../runner/scenario.ts';

const scenarios: Scenarios = {
  'cursor-basic': {
    routes: {
      'GET /users.list': ({ query }) => {
        const all = rows(40, (n) => ({ uid: `U${n}`, profile: { real_name: `User ${n}` }, ...(n % 7 === 0 && { is_admin: true }) }));
        const { page, next } = cursored(all, query.get('cursor'), 15);
        return { members: page, response_metadata: { next_cursor: next } };
      },
    },
    leaves: { User: 40 },
  },
  'cursor-trimmed': {
    routes: {
      'GET /songs': ({ n }) => ({ songs: [{ id: `song-${n}` }], after: n < 3 ? `  page-${n} \n` : '   ' }),
    },
    leaves: { Song: 3 },
  },
  'cursor-number': {
    routes: {
      'GET /blocks': ({ query }) => {
        const below = query.has('below') ? Number(query.get('below')) : 4;
        return { blocks: [{ height: below }], below: below > 0 ? below - 2 : undefined };
      },
    },
    leaves: { Block: 3 },
  },
  'cursor-of-wrong-type': {
    routes: {
      'GET /rows/object/shelves': { shelves: [{ id: 'a' }], next: { token: 'x' } },
      'GET /rows/boolean/shelves': { shelves: [{ id: 'b' }], next: true },
      'GET /rows/missing/shelves': { shelves: [{ id: 'c' }] },
    },
    leaves: { Shelf: 3 },
  },
  'cursor-empty-page': {
    routes: {
      'GET /parcels': ({ n }) => ({ parcels: n === 3 ? [] : [{ id: `p${n}`, weight: n / 2 }], next: `t${n}` }),
    },
    leaves: { Parcel: 2 },
    logs: true,
  },
  'cursor-in-graphql-variables': {
    routes: {
      'POST /graphql': ({ body }) => {
        const all = rows(7, (n) => ({ id: `R_${n}`, name: `repo-${n}`, stars: n * n }));
        const { page, next } = cursored(all, body.variables.after, body.variables.first);
        return { data: { viewer: { repositories: { nodes: page, pageInfo: { endCursor: next, hasNextPage: next !== null } } } } };
      },
    },
    leaves: { Repository: 7 },
  },
  'cursor-saved-on-page': {
    routes: {
      'GET /orders': ({ query, run, n }) => {
        if (run === 1 && n === 3) return reply(400, { error: 'bad cursor' });
        const { page, next } = cursored(rows(10, (id) => ({ id: `o${id}`, total: id * run })), query.get('cursor'), 3);
        return { orders: page, next };
      },
    },
    runs: [{ ends: 'failed', says: '400' }, {}, {}],
    leaves: { Order: 10 },
  },
  'cursor-behind-dotted-key': {
    routes: {
      'GET /Entities': ({ n }) => ({
        value: n > 4 ? [] : [{ Id: n }],
        ...(n < 3 && { '@odata.skiptoken': `S${n}` }),
        '@odata': { skiptoken: 'in the path' },
      }),
    },
    leaves: { Entity: 4 },
  },
  'cursor-shared-params': {
    routes: {
      'GET /boards/:board/cards': ({ params, query }) => {
        const { page, next } = cursored(rows(6, (n) => ({ id: `${params.board}${n}` })), query.get('cursor'), 2);
        return { cards: page, next };
      },
    },
    leaves: { Card: 8 },
  },
};
export default scenarios;
