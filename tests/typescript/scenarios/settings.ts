// Metadata and the connection.

import { reply, type Scenarios } from '../runner/scenario.ts';

const scenarios: Scenarios = {
  'metadata-filter': {
    routes: { 'GET /projects/:id/tasks': [{ id: 1, done: false }, { id: 2, done: true }] },
    metadata: { projects: ['red'], prefix: null },
    runs: [{}, { metadata: { projects: ['blue', 'red'], includeDone: true, prefix: 'T-' } }],
    leaves: { Task: 3 },
  },
  'metadata-missing': {
    routes: { 'GET /channels': ({ query }) => [`${query.get('team')}-${query.get('limit')}`] },
    runs: [{}, { metadata: { team: 'ops', limit: 3 } }, { metadata: { strict: true }, ends: 'failed', says: 'a team is needed, the settings have limit and strict and team' }],
    leaves: { Channel: 2 },
  },
  'metadata-progress': {
    routes: { 'GET /sales': ({ query, run }) => (run === 1 && query.get('from') === '2026-03-01' ? reply(400, {}) : [{ id: `${query.get('from')}..${query.get('to')}` }]) },
    runs: [{ ends: 'failed' }, {}],
    leaves: { Sale: 5 },
  },
  'metadata-replaced': {
    routes: {},
    metadata: { a: 1, b: { x: 1 }, owner: 'first' },
    runs: [{}, {}],
    leaves: { Look: 4 },
  },
  'webhook-in-definition': { routes: { 'GET /pings': [{ id: 'p1' }, { id: 'p2' }] }, leaves: { Ping: 2 } },
  'connection-facts': {
    routes: { 'GET /sites/:site/users': ({ params }) => [`user of ${params['site']}`] },
    config: { subdomain: 'acme-eu', region: 'eu', nested: 'no' },
    metadata: { plan: 'gold' },
    leaves: { Fact: 7 },
  },
};

export default scenarios;
