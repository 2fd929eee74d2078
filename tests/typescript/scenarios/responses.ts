// Responses and failures: what a sync may read of them.

import { reply, type Scenarios } from '../runner/scenario.ts';

const TEXTS = ['plain', 'Zürich', '日本語', 'עברית', '🌊🚪', '👩‍👩‍👧', 'e\u0301', '\u2028\u2029', 'tab\tnew\nline', '\u0001\u007f', '"\\/', '𝒳', '\ufeffmark', '<b>&amp;</b>', ''];

const scenarios: Scenarios = {
  'error-caught': {
    routes: {
      'GET /fail/:status': ({ params }) => reply(Number(params['status']), { error: { code: `E${params['status']}`, details: [1, null] } }, { 'X-Request-Id': `r-${params['status']}` }),
    },
    leaves: { Failure: 6 },
  },
  'error-404-skipped': {
    routes: {
      'GET /people': ({ run }) => ({ ids: ['a', 'b', 'c', ...(run === 2 ? ['broken'] : [])] }),
      'GET /people/:id/profile': ({ params }) => (params['id'] === 'b' ? reply(404, {}) : params['id'] === 'broken' ? reply(410, {}) : { bio: `I am ${params['id']}` }),
    },
    runs: [{}, { ends: 'failed', says: 'Request failed with status code 410' }],
    leaves: { Profile: 2 },
    logs: true,
  },
  'error-by-message': { routes: { 'GET /beta/items': reply(403, { message: 'not for you' }) }, leaves: { Item: 1 } },
  'error-body-as-text': {
    routes: {
      'GET /broken/html': reply(502, '<html>Bad gateway</html>', { 'content-type': 'text/html' }),
      'GET /broken/empty': reply(500, ''),
      'GET /broken/mislabelled': reply(400, '{"reason":"label"}'),
      'GET /broken/list': reply(422, [{ field: 'a' }]),
    },
    leaves: { Failure: 4 },
  },
  'error-uncaught': {
    routes: { 'GET /rows': ({ query, run }) => (query.get('page') === '3' && run !== 2 ? reply(500, { error: 'x' }) : { rows: [{ id: `r${query.get('page')}` }] }) },
    runs: [{ ends: 'failed', says: 'Request failed with status code 500' }, {}, { ends: 'failed', says: '500' }],
    leaves: { Row: 5 },
  },
  'error-of-its-own': { routes: {}, runs: [{ ends: 'failed', says: 'cannot go on: the workspace is missing (workspace)' }], leaves: { Nothing: 1 } },
  'response-shapes': {
    routes: {
      'GET /shapes/text': 'just words',
      'GET /shapes/empty': reply(200, ''),
      'GET /shapes/no-content': reply(204),
      'GET /shapes/number': 42,
      'GET /shapes/list': [1, 'two', null],
      'GET /shapes/null': reply(200, null),
      'GET /shapes/json-as-text': reply(200, '{"a":[1,2]}'),
      'GET /shapes/text-as-json': reply(200, 'no json at all', { 'content-type': 'application/json' }),
      'GET /shapes/csv': reply(200, 'a,b\n1,2\n', { 'content-type': 'text/csv' }),
      'GET /shapes/quoted': reply(200, '"quoted"'),
      'GET /shapes/spaces': reply(200, '  {"padded": true}\n'),
    },
    leaves: { Shape: 11 },
  },
  'response-as-bytes': {
    routes: {
      'GET /logo.png': reply(200, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255, 254]), { 'content-type': 'image/png' }),
      'GET /numbers.json': [1, 2, 3],
    },
    leaves: { File: 2 },
  },
  'response-headers': {
    routes: { 'GET /limits': reply(200, {}, { 'X-RateLimit-Remaining': '7', 'X-Next': 'c9', ETag: '"abc"', 'X-Twice': 'a, b' }) },
    leaves: { Header: 8 },
  },
  'response-unicode': {
    routes: {
      'GET /texts': { texts: TEXTS },
      'GET /marked': reply(200, Buffer.from('\ufeff{"bom":true}'), { 'content-type': 'application/json' }),
    },
    leaves: { Text: 16 },
  },
  'numbers-in-json': {
    routes: {
      'GET /measures': reply(200, '{"values":[0,-0,1e3,1.5e-7,9007199254740993,123456789012345678901234567890,0.1,1E+2,-1.0,3.141592653589793238462643,1e21,1e-7,255]}', {
        'content-type': 'application/json',
      }),
    },
    leaves: { Measure: 21 },
  },
};

export default scenarios;
