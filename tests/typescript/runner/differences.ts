// Where Tidegate rightly does otherwise than Nango: one row for each, asserted as it is
// written here. A row whose difference has gone is an error, so that none outlives its reason.

import type { State } from './play.ts';
import type { Seen } from './provider.ts';

export interface Difference {
  sync: string;
  /** What Nango does, and Tidegate, and why that is right. README.md shows it. */
  why: string;
  /** What the component must show instead of what Node shows. */
  component: (onNode: State[]) => State[];
}

/** All of them. README.md has the same table; a test holds the two together. */
export const DIFFERENCES: Difference[] = [
  {
    sync: 'cursor-shared-params',
    why: 'Nango writes the cursor into the `params` object that the sync passed, so that a second pagination with the same object begins at the last page of the first. Tidegate copies it: nothing is left out.',
    component: ([state]) => {
      const { records, requests } = state as State;
      for (const id of ['b1', 'b2', 'b3', 'b4']) (records['Card'] ??= {})[id] = { id, board: 'b' };
      const [a, b] = [requests.filter(({ path }) => path.includes('/a/')), requests.filter(({ path }) => path.includes('/b/'))];
      const ofB = a.map((request) => ({ ...request, path: (b[0] as Seen).path }));
      return [{ ...(state as State), requests: [...a, ...ofB] }];
    },
  },
  {
    sync: 'offset-shared-params',
    why: 'For the same reason a later request with that object does not carry the paging of an earlier one.',
    component: (states) => {
      const summary = states[0]?.requests.at(-1) as Seen;
      summary.query = summary.query.filter(([name]) => name !== 'offset' && name !== 'limit');
      return states;
    },
  },
  {
    sync: 'params-undefined',
    why: 'Nango sends the word `undefined` for a parameter without a value. Tidegate leaves the parameter out, as JSON does with a field.',
    component: (states) => {
      const [state] = states as [State];
      const request = state.requests[0] as Seen;
      request.query = request.query.filter(([name]) => name !== 'since');
      state.records['Echo'] = { echo: { id: 'echo', query: 'until=null&limit=5' } };
      return states;
    },
  },
  {
    sync: 'params-as-text',
    why: 'Nango refuses parameters given as text beside an endpoint that has a query. Tidegate sends both.',
    component: (states) => {
      const [state] = states as [State];
      delete state.records['Echo']?.['both'];
      state.requests.push({ method: 'GET', path: '/echo', query: [['a', '1'], ['b', '2']] });
      return states;
    },
  },
  {
    sync: 'unauthorized-with-retries',
    why: 'After a 401 Nango asks itself for fresh credentials and tries once more, even if they are the same. Tidegate renews credentials before they expire, and does not repeat what was refused.',
    component: (states) => {
      states[0]?.requests.pop();
      return states;
    },
  },
  {
    sync: 'unknown-model',
    why: 'Nango logs a save to a model that the definition does not have, and keeps the records where nobody looks. With Tidegate the run fails and names the model that was meant.',
    component: (states) => states.map((state) => ({ ...state, ended: 'failed' })),
  },
  {
    sync: 'url-of-unicode-host',
    why: 'A URL with a host in other letters than ASCII is refused by name, with its punycode: the tables to read it would make every such component 260 kB larger.',
    component: (states) => {
      const sites = states[0]?.records['Site'] ?? {};
      sites['https://münchen.test/x'] = { id: 'https://münchen.test/x', host: 'refused' };
      return states;
    },
  },
];
