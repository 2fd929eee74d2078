/** `nango.get` and its kin: where a request goes, what it carries, what comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyConfiguration } from '../../src/guest/nango.ts';
import { TestHost, errorOf, failure, json, on, status, text } from './sdk.ts';

const PROVIDER = 'https://provider.test';

test('a request goes where Nango would send it', async () => {
  const rows: [config: Partial<ProxyConfiguration>, path: string, query: [string, string][]][] = [
    [{ endpoint: '/users' }, '/v1/users', []],
    [{ endpoint: 'users' }, '/v1/users', []],
    [{ endpoint: ' /users ' }, '/v1/users', []],
    [{ endpoint: 'people:search' }, '/v1/people:search', []],
    [{ endpoint: '/a b/ü' }, '/v1/a%20b/%C3%BC', []],
    [{ endpoint: '/users?a=1&b=2', params: { b: '3' } }, '/v1/users', [['a', '1'], ['b', '3']]],
    [{ endpoint: '/users', params: { q: "a b&c=d+'", n: 7, yes: true } }, '/v1/users', [['q', "a b&c=d+'"], ['n', '7'], ['yes', 'true']]],
    [{ endpoint: '/users', params: { ids: ['a', 'b'], none: undefined, empty: '' } }, '/v1/users', [['ids', 'a,b'], ['empty', '']]],
    [{ endpoint: '/users', params: { ids: [1, 2] } }, '/v1/users', [['ids', '1,2']]],
    [{ endpoint: '/users', params: '?a=1&b=x%20y' }, '/v1/users', [['a', '1'], ['b', 'x y']]],
    [{ endpoint: '/users?z=0', params: 'a=1' }, '/v1/users', [['z', '0'], ['a', '1']]],
    [{ endpoint: '/users#part', params: { a: '1' } }, '/v1/users', [['a', '1']]],
    [{ endpoint: '/users', params: new URLSearchParams({ a: '1' }) as never }, '/v1/users', [['a', '1']]],
    [{ endpoint: '/users', baseUrlOverride: 'https://other.test/api' }, 'https://other.test/api/users', []],
    [{ endpoint: 'users', baseUrlOverride: 'https://other.test/' }, 'https://other.test/users', []],
    [{ endpoint: '', baseUrlOverride: 'https://other.test/graphql' }, 'https://other.test/graphql', []],
    [{ endpoint: 'https://other.test/x?a=1' }, 'https://other.test/x', [['a', '1']]],
  ];
  for (const [config, path, query] of rows) {
    const host = new TestHost().baseUrl(`${PROVIDER}/v1`).serve(() => json({}));
    await on(host, async (nango) => void (await nango.get(config as ProxyConfiguration)));
    assert.deepEqual([host.sent[0]?.path, host.sent[0]?.query], [path, query], JSON.stringify(config));
  }
});

test('a body is what axios makes of it', async () => {
  const json_ = 'application/json';
  const form = 'application/x-www-form-urlencoded';
  const rows: [data: unknown, type: string | undefined, sent: string, sentType: string | undefined][] = [
    [{ a: 1, at: new Date(0) }, undefined, '{"a":1,"at":"1970-01-01T00:00:00.000Z"}', json_],
    [[1, 2], undefined, '[1,2]', json_],
    ['a=b', undefined, 'a=b', form],
    [new URLSearchParams({ a: 'b c' }), undefined, 'a=b+c', `${form};charset=utf-8`],
    [{ a: 'b c', list: ['x', 'y'], deep: { k: 1 }, none: null, gone: undefined }, form, 'a=b+c&list%5B%5D=x&list%5B%5D=y&deep%5Bk%5D=1&none=', form],
    ['{"a": 1} ', json_, '{"a": 1}', json_],
    ['plain', json_, '"plain"', json_],
    ['<a/>', 'text/xml', '<a/>', 'text/xml'],
    [{ query: '{ me }' }, 'application/graphql+json', '{"query":"{ me }"}', 'application/graphql+json'],
    [new Uint8Array([104, 105]), 'text/plain', 'hi', 'text/plain'],
    [undefined, undefined, '', undefined],
    ['', undefined, '', undefined],
  ];
  for (const [data, type, body, sentType] of rows) {
    const host = new TestHost().serve(() => json({}));
    const headers: Record<string, string> = type === undefined ? {} : { 'Content-Type': type };
    await on(host, async (nango) => void (await nango.post({ endpoint: '/x', data, headers })));
    assert.deepEqual([host.sent[0]?.body, host.sent[0]?.headers['content-type']], [body, sentType], JSON.stringify(data));
  }
});

test('a multipart form has a part for each field', async () => {
  const host = new TestHost().serve(() => json({}));
  const headers = { 'content-type': 'multipart/form-data' };
  await on(host, async (nango) => void (await nango.post({ endpoint: '/x', data: { a: 'ü', b: { c: 1 } }, headers })));
  const [sent] = host.sent;
  const boundary = /boundary=(.*)$/.exec(sent?.headers['content-type'] ?? '')?.[1] ?? '';
  assert.equal(
    sent?.body,
    `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nü\r\n` +
      `--${boundary}\r\nContent-Disposition: form-data; name="b"\r\n\r\n{"c":1}\r\n--${boundary}--\r\n`,
  );
});

test('each method is sent as itself, and only those with a body carry one', async () => {
  const host = new TestHost().serve(() => json({}));
  await on(host, async (nango) => {
    const config = { endpoint: '/x', data: { a: 1 } };
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) await nango[method](config);
    await nango.proxy({ ...config, method: 'post' });
    await nango.proxy(config);
  });
  assert.deepEqual(host.sent.map(({ method, body }) => `${method} ${body}`), [
    'GET ', 'POST {"a":1}', 'PUT {"a":1}', 'PATCH {"a":1}', 'DELETE {"a":1}', 'POST {"a":1}', 'GET ',
  ]);
});

test('retries, statuses and time are the host\'s to keep', async () => {
  const host = new TestHost().serve(() => json({}));
  await on(host, async (nango) => {
    await nango.get({ endpoint: '/x' });
    await nango.get({ endpoint: '/x', retries: 3, retryOn: [409, '404' as never], timeout: 5000.7 });
    await nango.get({ endpoint: '/x', retries: 1000, retryOn: null });
  });
  assert.deepEqual(host.sent.map(({ retries, retryOn, timeoutMs }) => [retries, retryOn, timeoutMs]), [
    [0, undefined, undefined], [3, [409, 404], 5000], [20, undefined, undefined],
  ]);
});

test('headers of the host\'s are left out with one warning each', async () => {
  const host = new TestHost().serve(() => json({}));
  await on(host, async (nango) => {
    const connection = await nango.getConnection();
    for (let time = 0; time < 2; time++) {
      await nango.get({
        endpoint: '/x',
        headers: {
          Authorization: 'Bearer x', COOKIE: 'a=b', 'Proxy-Authorization': 'x', 'X-Api-Key': connection.credentials.apiKey,
          Accept: 'text/csv', 'User-Agent': 'mine', 'x-mine': 'yes', gone: undefined as never,
        },
      });
    }
  });
  assert.deepEqual(host.sent[0]?.headers, { accept: 'text/csv', 'user-agent': 'mine', 'x-mine': 'yes' });
  const warned = host.logs.filter(({ level, message }) => level === 'warn' && message.includes('left out'));
  assert.deepEqual(warned.map(({ message }) => /`([^`]*)`/.exec(message)?.[1]), ['authorization', 'cookie', 'proxy-authorization', 'x-api-key']);
});

test('a body is read as what was asked for', async () => {
  const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]);
  const rows: [body: string | Uint8Array, type: ProxyConfiguration['responseType'], data: unknown][] = [
    ['{"a":[1]}', undefined, { a: [1] }],
    ['7', undefined, 7],
    ['', undefined, ''],
    ['<a/>', undefined, '<a/>'],
    ['{"a":1', 'json', '{"a":1'],
    ['{"a":1}', 'text', '{"a":1}'],
    [bytes, undefined, {}],
    [new Uint8Array([0x61, 0xe9, 0xe2, 0x82, 0x62, 0xf0, 0x9f, 0x98, 0x80]), undefined, 'a\ufffd\ufffdb😀'],
  ];
  for (const [body, responseType, data] of rows) {
    const host = new TestHost().reply('/x', text(body));
    await on(host, async (nango) => assert.deepEqual((await nango.get({ endpoint: '/x', responseType })).data, data));
  }
  await on(new TestHost().reply('/x', text(bytes)), async (nango) => {
    const { data } = await nango.get({ endpoint: '/x', responseType: 'arraybuffer' });
    assert.equal(data instanceof Uint8Array, true);
    assert.deepEqual([data.toString(), data.toString('hex'), data.toString('base64')], ['{}', 'efbbbf7b7d', '77u/e30=']);
    const parts = [];
    for await (const part of (await nango.get({ endpoint: '/x', responseType: 'stream' })).data) parts.push(...part);
    assert.deepEqual(parts, [...bytes]);
  });
});

test('a response is like one of axios', async () => {
  const reply = json({ a: 1 }, { status: 201, headers: { Link: '<x>; rel="next"' } });
  reply.headers.push(['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x-many', '1'], ['x-many', '2']);
  await on(new TestHost().reply('/x', reply), async (nango) => {
    const response = await nango.get({ endpoint: '/x', params: { a: '1' } });
    assert.deepEqual([response.status, response.statusText, response.data], [201, 'Created', { a: 1 }]);
    assert.deepEqual(response.headers, {
      'content-type': 'application/json', link: '<x>; rel="next"', 'set-cookie': ['a=1', 'b=2'], 'x-many': '1, 2',
    });
    assert.equal(response.config.url, `${PROVIDER}/x`);
  });
});

test('a status that is no success raises an error like axios\'s', async () => {
  const rows: [number, string][] = [
    [304, 'ERR_BAD_RESPONSE'], [400, 'ERR_BAD_REQUEST'], [404, 'ERR_BAD_REQUEST'], [429, 'ERR_BAD_REQUEST'], [503, 'ERR_BAD_RESPONSE'],
  ];
  for (const [code, named] of rows) {
    const host = new TestHost().reply('/x', json({ why: 'so' }, { status: code, headers: { 'x-a': 'b' } }));
    await on(host, async (nango) => {
      const error = await errorOf(() => nango.get({ endpoint: '/x' }));
      assert.equal(error.message, `Request failed with status code ${code}`);
      assert.deepEqual([error.name, error['code'], error['isAxiosError'], error['status']], ['AxiosError', named, true, code]);
      assert.deepEqual([error['response'].status, error['response'].data, error['response'].headers['x-a']], [code, { why: 'so' }, 'b']);
      assert.equal(error['config'].method, 'get');
      assert.match(error.stack ?? '', /http\.test\.ts/, 'the stack leads to the author');
    });
  }
});

test('a failure of the host is an Error with exactly its message', async () => {
  const host = new TestHost().reply('/x', failure('provider.timeout', 'no answer within 120 s', 1500));
  await on(host, async (nango) => {
    const error = await errorOf(() => nango.get({ endpoint: '/x' }));
    assert.deepEqual([error.name, error.message, error['code'], error['retryAfterMs']], [
      'TidegateError', 'no answer within 120 s', 'provider.timeout', 1500,
    ]);
    assert.match(error.stack ?? '', /http\.test\.ts/);
  });
});

test('requests that are started together are all sent before the first is waited for', async () => {
  const host = new TestHost().serve(() => json([]));
  await on(host, async (nango) => {
    const one = async (endpoint: string) => (await nango.get({ endpoint })).data;
    await Promise.all([nango.get({ endpoint: '/a' }), nango.post({ endpoint: '/b' }), one('/c')]);
    await nango.get({ endpoint: '/d' });
  });
  assert.deepEqual(host.trail, ['send /a', 'send /b', 'send /c', 'wait /a', 'wait /b', 'wait /c', 'send /d', 'wait /d']);
});

test('what is no request is refused before it reaches an import', async () => {
  const rows: [config: unknown, says: RegExp][] = [
    [undefined, /an object with an `endpoint`/],
    [{}, /neither an `endpoint` nor a `baseUrlOverride`/],
    [{ endpoint: '/\ud800' }, /URL has half of a surrogate pair/],
    [{ endpoint: '/x', params: { a: '\udc00x' } }, /query parameter `a` has half of a surrogate pair/],
    [{ endpoint: '/x', params: 7 }, /`params` must be an object or a string, not the number 7/],
    [{ endpoint: '/x', headers: { a: '\ud800' } }, /header `a` has half of a surrogate pair/],
    [{ endpoint: '/x', method: 'POST', data: '\ud800' }, /body has half of a surrogate pair/],
    [{ endpoint: '/x', method: 'POST', data: { n: 1n } }, /body cannot be written as JSON/],
    [{ endpoint: '/x', timeout: 'long' }, /timeout must be a number/],
  ];
  for (const [config, says] of rows) {
    const host = new TestHost();
    await on(host, async (nango) => assert.match((await errorOf(() => nango.proxy(config as ProxyConfiguration))).message, says));
    assert.equal(host.sent.length, 0);
  }
});

test('an uncontrolled fetch takes any status as a response', async () => {
  const host = new TestHost().reply('/a', json({ a: 1 })).reply('/b', status(404));
  await on(host, async (nango) => {
    const response = await nango.uncontrolledFetch({ url: new URL(`${PROVIDER}/a?q=1`), method: 'POST', headers: { A: 'b' }, body: 'x' });
    assert.deepEqual([response.ok, response.status, response.headers.get('Content-Type')], [true, 200, 'application/json']);
    assert.deepEqual(await response.json(), { a: 1 });
    assert.match((await errorOf(() => response.text())).message, /read already/);
    assert.equal((await nango.uncontrolledFetch({ url: new URL(`${PROVIDER}/b`) })).ok, false);
  });
  assert.deepEqual([host.sent[0]?.method, host.sent[0]?.query, host.sent[0]?.body, host.sent[0]?.retries], ['POST', [['q', '1']], 'x', 0]);
});
