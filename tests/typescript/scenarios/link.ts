// Pagination by link, and by the provider's template.

import { at, cursored, reply, rows, type Scenarios } from '../runner/scenario.ts';

const scenarios: Scenarios = {
  'link-in-header': {
    routes: {
      'GET /repos/tide/gate/issues': ({ query, url }) => {
        const page = Number(query.get('page') ?? 1);
        const issue = (id: number) => ({
          id,
          title: `Issue ${id}`,
          user: { login: `dev${id % 3}` },
          labels: id % 2 ? [{ name: 'bug' }, { name: 'help' }] : [],
          ...(id % 5 === 0 && { pull_request: { url: 'x' } }),
        });
        const link = page < 3 ? { link: `<${url}/repos/tide/gate/issues?state=all&per_page=5&page=${page + 1}>; rel="next", <${url}/last>; rel="last"` } : {};
        return reply(200, at(rows(13, issue), (page - 1) * 5, 5), link as Record<string, string>);
      },
    },
    leaves: { Issue: 11 },
  },
  'link-header-odd-spelling': {
    routes: {
      'GET /builds': ({ query, url }) => {
        const page = Number(query.get('p') ?? 1);
        const headers = [
          `<${url}/builds?p=0>;rel=prev, <${url}/builds?p=2&only=a,b;c>;title="x, y";rel=next`,
          `<${url}/builds?p=3&q=%2C>; rel="next last"; type="a;b"`,
          `<${url}/builds?p=1>; rel="first"`,
        ];
        return reply(200, { builds: [{ number: page }] }, { link: headers[page - 1] as string });
      },
    },
    leaves: { Build: 3 },
  },
  'link-in-body': {
    routes: {
      'GET /api/invoices': ({ query, url }) => {
        const { page, next } = cursored(
          rows(9, (n) => ({ number: `INV-${n}`, amount: n * 1.1, due_date: `2026-0${n}-01` })),
          query.get('after'),
          4,
        );
        return { data: page, links: { next: next && `${url}/api/invoices?status=sent&after=${next}` } };
      },
    },
    leaves: { Invoice: 9 },
  },
  'link-relative': {
    routes: {
      'GET /wiki/api/v2/pages': ({ query }) => {
        const { page, next } = cursored(rows(8, (n) => ({ id: `${n}`, title: `Page ${n}` })), query.get('cursor'), 3);
        return { results: page, _links: next ? { next: `/wiki/api/v2/pages?cursor=${next}&limit=3` } : {} };
      },
    },
    leaves: { Page: 8 },
  },
  'link-to-another-origin': {
    routes: { 'GET /photos': ({ other }) => ({ photos: [{ id: 'a' }], next: `${other}/shard/7/photos?from=2` }) },
    other: {
      'GET /shard/7/photos': ({ query, url }) => ({
        photos: [{ id: `b${query.get('from')}` }],
        next: query.get('from') === '2' ? '/shard/7/photos?from=3' : null,
        home: url,
      }),
    },
    leaves: { Photo: 3 },
  },
  'link-repeated': {
    routes: { 'GET /steps': ({ query, url }) => ({ steps: [{ id: query.get('at') ?? '0' }], next: `${url}/steps?at=${Math.min(2, Number(query.get('at') ?? 0) + 1)}` }) },
    leaves: { Step: 3 },
  },
  'link-empty-page': {
    routes: {
      'GET /nights/1': { guests: [{ name: 'A' }], tomorrow: '/nights/2' },
      'GET /nights/2': { guests: [], tomorrow: '/nights/3' },
      'GET /nights/3': { tomorrow: '/nights/4' },
      'GET /nights/4': { guests: [{ name: 'B' }, { name: 'C' }], tomorrow: '' },
    },
    leaves: { Night: 4 },
  },
  'link-on-page': {
    routes: {
      'GET /trips': ({ query, url, n }) => {
        const { page, next } = cursored(rows(5, (id) => ({ id: `trip${id}` })), query.get('c'), 2);
        return reply(200, { trips: page, paging: next ? { next: `${url}/trips?c=${next}` } : {} }, { 'X-Served-By': `node-${n}` });
      },
    },
    leaves: { Trip: 5, Trail: 1 },
  },
  'link-encoded-query': {
    routes: {
      'GET /places': ({ query, url, n }) => {
        const next = `${url}/places?after=Sankt%20P%C3%B6lten%2B%26%3D&fields=id%2Cname&empty=&tag=a&tag=b`;
        return { places: [{ id: n, name: query.get('after') ?? query.get('filter') }], next: n === 1 ? next : null };
      },
    },
    leaves: { Place: 2 },
  },
  'link-after-post': {
    routes: {
      'POST /search': ({ query, body, url }) => {
        const { page, next } = cursored(rows(5, (n) => ({ id: `${body.words.join('-')}-${n}` })), query.get('scroll'), 2);
        return { hits: page, more: next && `${url}/search?scroll=${next}` };
      },
    },
    leaves: { Hit: 5 },
  },
  'provider-default-cursor': {
    provider: 'asana',
    // Tidegate's operator says once for the integration what Nango's template says.
    config: { pagination: { type: 'cursor', param: 'offset', next: 'next_page.offset', items: 'data' } },
    routes: {
      'GET /api/1.0/tasks': ({ query }) => {
        const { page, next } = cursored(rows(10, (n) => ({ gid: `${n}`, name: `Task ${n}` })), query.get('offset'), Number(query.get('limit')));
        return { data: page, next_page: next && { offset: next } };
      },
    },
    leaves: { Task: 10 },
  },
  'provider-default-link': {
    provider: 'calendly',
    config: { pagination: { type: 'link', next: 'pagination.next_page' } },
    routes: {
      'GET /scheduled_events': ({ query, url }) => {
        const { page, next } = cursored(rows(6, (n) => ({ uri: `https://meet.test/events/E${n}` })), query.get('page_token'), 4);
        return { collection: page, pagination: { next_page: next && `${url}/scheduled_events?page_token=${next}` } };
      },
    },
    leaves: { Meeting: 6 },
  },
};

export default scenarios;
