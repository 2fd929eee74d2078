// Requests: where they go, what they carry, and what is tried again.

import { type Asked, busy, reply, type Scenarios } from '../runner/scenario.ts';

const echo = ({ query }: Asked) => ({ query: query.toString() });

const scenarios: Scenarios = {
  'base-url-override': {
    routes: { 'GET /zones': { zone: 'home' } },
    other: { 'GET /zones': ({ n }) => ({ zone: `plain-${n}` }), 'GET /v2/zones': ({ n }) => ({ zone: `v2-${n}` }) },
    metadata: ({ other }) => ({ regional: other }),
    leaves: { Zone: 5 },
  },
  'headers-of-its-own': {
    routes: { 'GET /contacts': ({ headers }) => ({ contacts: [{ id: 'c1', version: headers['example-version'] }] }) },
    headers: ['example-version', 'accept', 'x-page-size', 'if-modified-since'],
    leaves: { Contact: 1 },
  },
  'params-of-each-type': { routes: { 'GET /echo': echo }, leaves: { Echo: 6 } },
  'params-undefined': { routes: { 'GET /echo': echo }, leaves: { Echo: 1 } },
  'params-as-text': { routes: { 'GET /echo': echo }, leaves: { Echo: 3 } },
  'query-in-endpoint': { routes: { 'GET /echo': echo }, leaves: { Echo: 4 } },
  'path-encoding': { routes: { 'GET /files/:name': ({ path }) => ({ path }) }, leaves: { File: 10 } },
  'post-json': { routes: { 'POST /search': ({ body }) => ({ got: body }) }, leaves: { Answer: 4 } },
  'post-text': { routes: { 'POST /text': ({ body, headers }) => `${headers['content-type']}: ${JSON.stringify(body)}` }, leaves: { Answer: 3 } },
  'post-form': { routes: { 'POST /form': ({ body, headers }) => `${headers['content-type']?.split(';')[0]}: ${body}` }, leaves: { Token: 2 } },
  'put-patch-delete': {
    routes: {
      'PUT /views/1': ({ method, body }) => reply(201, { method, body: JSON.stringify(body) }),
      'PATCH /views/1': ({ method, body }) => ({ method, body: JSON.stringify(body) }),
      'DELETE /views/:id': ({ method, body, params }) => reply(params['id'] === '1' ? 202 : 200, { method, body: JSON.stringify(body) }),
    },
    leaves: { Call: 4 },
  },
  'proxy-itself': {
    routes: { 'POST /things': ({ method }) => reply(201, { method }), 'GET /things': ({ method }) => ({ method }) },
    leaves: { Call: 2 },
  },
  'retries-until-well': {
    routes: {
      'GET /quotes/AAA': ({ n }) => (n < 3 ? busy(503) : { tries: n }),
      'GET /quotes/BBB': ({ n }) => (n < 2 ? busy(429) : { tries: n }),
    },
    leaves: { Quote: 2 },
  },
  'retries-used-up': { routes: { 'GET /down': ({ n }) => busy(n === 1 ? 500 : 502) }, leaves: { Attempt: 3 } },
  'retry-on-listed': {
    routes: {
      'GET /exports/1': ({ n }) => (n === 1 ? busy(409) : n === 2 ? busy(404) : { state: 'done' }),
      'GET /exports/2': () => busy(404),
    },
    leaves: { Export: 2 },
  },
  'redirect-followed': {
    routes: {
      'GET /moved/:status': ({ params, url }) => reply(Number(params['status']), '', { location: params['status'] === '302' ? `${url}/here?from=302` : `/here?from=${params['status']}` }),
      'GET /here': ({ query }) => ({ at: `here?${query}` }),
      'POST /jobs': () => reply(303, '', { location: '/jobs/1' }),
      'GET /jobs/1': { at: 'job 1' },
    },
    leaves: { Target: 5 },
  },
  'uncontrolled-fetch': {
    routes: {},
    other: {
      'GET /latest': ({ query }) => ({ base: query.get('base'), rates: { USD: 1.1, GBP: 0.85 } }),
      'POST /echo': ({ body }) => reply(201, `got ${JSON.stringify(body)}`),
    },
    metadata: ({ other }) => ({ rates: other }),
    leaves: { Rate: 2, Note: 2 },
  },
  'credentials-by-hand': {
    routes: { 'GET /repos': [{ id: 1 }] },
    secret: 'tide-token',
    config: { auth_mode: 'OAUTH2' },
    headers: ['authorization', 'x-other'],
    leaves: { Repo: 3 },
  },
  'unauthorized-with-retries': { routes: { 'GET /me': reply(401, { error: 'who?' }) }, leaves: { Attempt: 2 } },
  'parallel-details': {
    routes: { 'GET /devices/:id': ({ params }) => ({ online: params['id'] !== 'd3' }) },
    leaves: { Device: 7 },
    unordered: true,
  },
};

export default scenarios;
