// What the benchmark's provider serves.

import { at, cursored, reply, rows, type Scenario } from '../runner/scenario.ts';

const issue = (id: number) => ({
  id,
  title: `Issue ${id} of the forge`,
  user: { login: `dev${id % 17}`, id: id % 17, url: 'https://forge.test/users' },
  labels: [{ name: 'bug', color: 'f00' }, { name: `area-${id % 5}`, color: '0f0' }],
  created_at: '2026-11-22T10:00:00Z',
  state: id % 3 ? 'open' : 'closed',
  body: 'Some text that the sync does not take. '.repeat(8),
});

const money = (amount: number) => ({ amount: amount.toFixed(2), currency: 'EUR' });
const address = (n: number) => ({ line1: `Street ${n}`, city: `City ${n % 50}`, zip: String(10000 + n), country: 'AT' });
const order = (id: number) => ({
  id,
  number: `#${id}`,
  state: ['open', 'paid', 'shipped'][id % 3],
  created_at: '2026-11-22T10:00:00Z',
  updated_at: id % 2 ? null : '2026-11-22T11:00:00Z',
  customer: { id: id % 100, first_name: 'Jo', last_name: `Doe ${id}`, email: id % 4 ? `jo${id}@x.test` : null },
  billing: address(id),
  ...(id % 3 && { shipping: address(id + 1) }),
  lines: rows((id % 3) + 1, (n) => ({ sku: `SKU-${n}`, quantity: n, price: money(n) })),
  totals: { net: money(id), tax: money(id / 5), gross: money(id * 1.2) },
  tags: id % 2 ? 'a,b' : ['c'],
  note: null,
});

const contact = (id: number) => ({ id, first: 'Ann', last: `Lee ${id}`, ...(id % 5 && { email: `a${id}@x.test` }), modified: new Date(1.76e12 + id * 1000).toISOString() });

const [ISSUES, ORDERS, CONTACTS] = [rows(100, issue), rows(5000, order), rows(1000, contact)];

/** Pages of each sync's run. */
export const PAGES: Record<string, number> = { 'small-list': 1, 'checked-pages': 50, 'checkpointed-pages': 10 };

export const PROVIDER: Scenario = {
  routes: {
    'GET /issues': reply(200, ISSUES),
    'GET /orders': ({ query }) => ({ orders: at(ORDERS, query.get('offset'), query.get('limit')) }),
    'GET /contacts': ({ query }) => {
      const { page, next } = cursored(CONTACTS, query.get('cursor'), 100);
      return { contacts: page, next };
    },
  },
  leaves: {},
};
