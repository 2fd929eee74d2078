/** `nango.paginate`: each way of paging, with the meaning that its options have in Nango. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyConfiguration } from '../../src/guest/nango.ts';
import { type Host, TestHost, errorOf, json, on } from './sdk.ts';

type Paginate = NonNullable<ProxyConfiguration['paginate']>;

/** The pages that a configuration gives. */
async function pagesOf(host: Host, config: ProxyConfiguration): Promise<unknown[]> {
  const pages: unknown[] = [];
  await on(host, async (nango) => {
    const before = JSON.stringify(config);
    for await (const page of nango.paginate(config)) pages.push(page);
    assert.equal(JSON.stringify(config), before, 'the caller\'s configuration is not changed');
  });
  return pages;
}

const queries = (host: Host) => host.sent.map(({ query }) => query.map((pair) => pair.join('=')).join('&'));

test('a cursor is followed until there is none', async () => {
  const paginate: Paginate = {
    type: 'cursor', cursor_name_in_request: 'after', cursor_path_in_response: 'paging.next', response_path: 'results',
    limit_name_in_request: 'limit', limit: 2,
  };
  for (const end of [{}, { paging: null }, { paging: { next: '' } }, { paging: { next: '  ' } }, { paging: { next: null } }, { paging: { next: {} } }]) {
    const host = new TestHost()
      .reply('/list', json({ results: [1, 2], paging: { next: ' c 1 ' } }))
      .reply('/list', json({ results: [3], paging: { next: 0 } }))
      .reply('/list', json({ results: [4], ...end }));
    assert.deepEqual(await pagesOf(host, { endpoint: '/list', params: { a: 'b' }, paginate }), [[1, 2], [3], [4]]);
    assert.deepEqual(queries(host), ['a=b&limit=2', 'a=b&limit=2&after=c 1', 'a=b&limit=2&after=0']);
  }
});

test('an empty or missing page ends a cursor and an offset, but not a link', async () => {
  for (const empty of [{ results: [] }, {}, { results: null }]) {
    const cursor = new TestHost().reply('/list', json({ ...empty, next: 'x' }));
    const byCursor: Paginate = { type: 'cursor', cursor_name_in_request: 'c', cursor_path_in_response: 'next', response_path: 'results' };
    assert.deepEqual(await pagesOf(cursor, { endpoint: '/list', paginate: byCursor }), []);
    const offset = new TestHost().reply('/list', json(empty));
    const byOffset: Paginate = { type: 'offset', offset_name_in_request: 'skip', response_path: 'results' };
    assert.deepEqual(await pagesOf(offset, { endpoint: '/list', paginate: byOffset }), []);
  }
  const link = new TestHost().reply('/list', json({ results: [], next: '/more' })).reply('/more', json({ results: [1] }));
  const byLink: Paginate = { type: 'link', link_path_in_response_body: 'next', response_path: 'results' };
  assert.deepEqual(await pagesOf(link, { endpoint: '/list', paginate: byLink }), [[], [1]]);
});

test('an offset counts items or pages, from where it is told', async () => {
  const rows: [paginate: Partial<Paginate>, method: 'GET' | 'POST', asked: string[]][] = [
    [{}, 'GET', ['skip=0', 'skip=2', 'skip=3']],
    [{ offset_calculation_method: 'by-response-size' }, 'GET', ['skip=0', 'skip=2', 'skip=3']],
    [{ offset_calculation_method: 'per-page', offset_start_value: 1 }, 'GET', ['skip=1', 'skip=2', 'skip=3']],
    [{ offset_calculation_method: 'per-page' }, 'GET', ['skip=0', 'skip=1', 'skip=2']],
    [{ limit: 2, limit_name_in_request: 'n' }, 'GET', ['n=2&skip=0', 'n=2&skip=2']],
    [{ limit: '2', limit_name_in_request: 'n' }, 'GET', ['n=2&skip=0', 'n=2&skip=2']],
    [{}, 'POST', ['{"skip":0}', '{"skip":2}', '{"skip":3}']],
    [{ in_body: true }, 'POST', ['{"skip":0}', '{"skip":2}', '{"skip":3}']],
    [{ in_body: false }, 'POST', ['skip=0', 'skip=2', 'skip=3']],
  ];
  for (const [more, method, asked] of rows) {
    const host = new TestHost().reply('/list', json([1, 2])).reply('/list', json([3])).reply('/list', json([]));
    const paginate = { type: 'offset', offset_name_in_request: 'skip', ...more } as Paginate;
    assert.deepEqual(await pagesOf(host, { endpoint: '/list', method, paginate }), [[1, 2], [3]]);
    assert.deepEqual(host.sent.map(({ body }, at) => body || queries(host)[at]), asked, JSON.stringify(more));
  }
});

test('dots in the name of a parameter lead deeper in a body', async () => {
  const host = new TestHost().reply('/list', json([1])).reply('/list', json([]));
  const data = { query: { text: 'x' }, 'page.size': 5 };
  const paginate: Paginate = { type: 'offset', offset_name_in_request: 'page.from', limit: 1, limit_name_in_request: 'page.limit' };
  await pagesOf(host, { endpoint: '/list', method: 'POST', data, paginate });
  assert.deepEqual(host.sent.map(({ body }) => JSON.parse(body)), [
    { query: { text: 'x' }, page: { size: 5, limit: 1, from: 0 } },
    { query: { text: 'x' }, page: { size: 5, limit: 1, from: 1 } },
  ]);
});

test('a link takes the place of path and query, and an absolute one of the base URL', async () => {
  const header = (link: string) => ({ headers: { link } });
  const rows: [first: ReturnType<typeof json>, paginate: Partial<Paginate>, asked: string[]][] = [
    [json([1], header('<https://other.test/next?page=2>; rel="next", <x>; rel="last"')), { link_rel_in_response_header: 'next' }, ['/list q=1', 'https://other.test/next page=2']],
    [json([1], header('</list?page=2>; rel=next')), { link_rel_in_response_header: 'next' }, ['/list q=1', '/list page=2']],
    [json([1], header('<x>; title="a, b"; rel="prev", <more?page=2>; foo=bar; rel="next prefetch"')), { link_rel_in_response_header: 'next' }, ['/list q=1', '/more page=2']],
    [json({ items: [1], links: { next: '/list?page=2' } }), { link_path_in_response_body: 'links.next', response_path: 'items' }, ['/list q=1', '/list page=2']],
    [json({ items: [1], '@odata.nextLink': 'https://provider.test/list?$skip=2' }), { link_path_in_response_body: '@odata.nextLink', response_path: 'items' }, ['/list q=1', '/list $skip=2']],
    [json({ items: [1], next: [{ url: '?page=2' }] }), { link_path_in_response_body: 'next[0].url', response_path: 'items' }, ['/list q=1', '/ page=2']],
    [json([1]), { link_rel_in_response_header: 'next' }, ['/list q=1']],
    [json({ items: [1], links: {} }), { link_path_in_response_body: 'links.next', response_path: 'items' }, ['/list q=1']],
    [json({ items: [1], next: '/list?page=2' }), { link_rel_in_response_header: 'next', link_path_in_response_body: 'next', response_path: 'items' }, ['/list q=1', '/list page=2']],
  ];
  for (const [first, more, asked] of rows) {
    const host = new TestHost().reply('/list?q=1', first).serve(() => json({ items: [2] }));
    const pages = await pagesOf(host, { endpoint: '/list', params: { q: '1' }, paginate: { type: 'link', ...more } as Paginate });
    assert.equal(pages.length, asked.length);
    assert.deepEqual(host.sent.map(({ path }, at) => `${path} ${queries(host)[at]}`.trim()), asked, JSON.stringify(more));
  }
});

test('a link that leads to itself ends', async () => {
  const host = new TestHost().serve(() => json({ items: [1], next: '/list?page=2' }));
  const pages = await pagesOf(host, { endpoint: '/list', paginate: { type: 'link', link_path_in_response_body: 'next', response_path: 'items' } });
  assert.deepEqual(pages, [[1], [1]]);
});

test('on_page is told what comes next, in the order that Nango has', async () => {
  const told = async (paginate: Paginate, host: Host) => {
    const events: unknown[] = [];
    await on(host, async (nango) => {
      const on_page = async ({ nextPageParam, response }: { nextPageParam?: string | number; response: { status: number } }) => {
        await undefined;
        events.push([nextPageParam ?? null, response.status]);
      };
      for await (const page of nango.paginate({ endpoint: '/list', paginate: { ...paginate, on_page } as Paginate })) events.push(page);
    });
    return events;
  };
  assert.deepEqual(
    await told(
      { type: 'cursor', cursor_name_in_request: 'c', cursor_path_in_response: 'next', response_path: 'items' },
      new TestHost().reply('/list', json({ items: [1], next: 'x' })).reply('/list?c=x', json({ items: [2] })),
    ),
    [[1], ['x', 200], [2], [null, 200]],
  );
  assert.deepEqual(
    await told({ type: 'offset', offset_name_in_request: 'o' }, new TestHost().reply('/list?o=0', json([1, 2])).reply('/list?o=2', json([]))),
    [[1, 2], [0, 200]],
  );
  assert.deepEqual(
    await told({ type: 'link', link_path_in_response_body: 'next' }, new TestHost().reply('/list', json({ next: '/b' })).reply('/b', json({}))),
    [{ next: '/b' }, ['/b', 200], {}, [null, 200]],
  );
});

test('a sync that says nothing takes the integration\'s way, and may change it', async () => {
  const rows: [pagination: object, paginate: Paginate | undefined, asked: string[]][] = [
    [{ type: 'offset', param: 'skip', items: 'data' }, undefined, ['skip=0', 'skip=1']],
    [{ type: 'page', param: 'page', items: 'data' }, undefined, ['page=1', 'page=2']],
    [{ type: 'page', param: 'page', items: 'data', start: 0 }, undefined, ['page=0', 'page=1']],
    [{ type: 'cursor', param: 'c', next: 'next', items: 'data' }, undefined, ['', 'c=x']],
    [{ type: 'offset', param: 'skip', items: 'wrong' }, { response_path: 'data' }, ['skip=0', 'skip=1']],
    [{ type: 'link', next: 'link', items: 'data' }, undefined, ['', 'page=2']],
  ];
  for (const [pagination, paginate, asked] of rows) {
    const host = new TestHost()
      .config({ pagination })
      .reply('/list', json({ data: [1], next: 'x', link: '/list?page=2' }))
      .reply('/list', json({ data: [] }))
      .reply('/list?c=x', json({ data: [] }))
      .reply('/list?page=2', json({ data: [] }));
    await pagesOf(host, { endpoint: '/list', ...(paginate && { paginate }) });
    assert.deepEqual(queries(host), asked, JSON.stringify(pagination));
  }
});

test('a configuration that cannot work is refused in Nango\'s words', async () => {
  const rows: [paginate: object | undefined, says: string][] = [
    [undefined, 'There was no pagination configuration for this integration or configuration passed in.'],
    [{ limit: 5 }, 'There was no pagination configuration for this integration or configuration passed in.'],
    [{ type: 'cursor' }, 'Param cursor_name_in_request is required for cursor pagination'],
    [{ type: 'cursor', cursor_name_in_request: 'c' }, 'Param cursor_path_in_response is required for cursor pagination'],
    [{ type: 'cursor', cursor_name_in_request: 'c', cursor_path_in_response: 'n', limit: 5 }, 'Param limit_name_in_request is required for cursor pagination when limit is set'],
    [{ type: 'link' }, 'Either param link_rel_in_response_header or link_path_in_response_body is required for link pagination'],
    [{ type: 'offset' }, 'Param offset_name_in_request is required for offset pagination'],
    [{ type: 'magic' }, 'Pagination type magic is not supported. Only cursor, link and offset pagination types are supported.'],
  ];
  for (const [paginate, says] of rows) {
    const error = await errorOf(() => pagesOf(new TestHost(), { endpoint: '/list', ...(paginate && { paginate: paginate as Paginate }) }));
    assert.match(error.message, new RegExp(says.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  }
});

test('params given as text are paged, too', async () => {
  const host = new TestHost().reply('/list', json([1])).reply('/list', json([]));
  await pagesOf(host, { endpoint: '/list', params: 'a=1&b=x%20y', paginate: { type: 'offset', offset_name_in_request: 'o' } });
  assert.deepEqual(queries(host), ['a=1&b=x y&o=0', 'a=1&b=x y&o=1']);
});
