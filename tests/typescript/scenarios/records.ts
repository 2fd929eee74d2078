// Records: how they are saved, changed and read back.

import { rows, type Scenarios } from '../runner/scenario.ts';

const scenarios: Scenarios = {
  'batch-update': {
    routes: {
      'GET /servers': ({ run }) => rows(3, (n) => ({ id: `s${n}`, name: `Server ${n}`, load: { cpu: 0.1 * run, memory: 512 }, tags: ['a', 'b'] })),
    },
    runs: [{}, {}],
    leaves: { Server: 3 },
  },
  'list-records': {
    routes: { 'GET /items': ({ run }) => rows(run === 1 ? 250 : 3, (n) => ({ id: `i${n * run}`, price: n * run })) },
    runs: [{}, {}],
    leaves: { Item: 250, Sum: 1 },
  },
  'records-by-ids': {
    routes: { 'GET /prices': ({ run }) => rows(run === 1 ? 4 : 6, (n) => ({ id: `p${n}`, amount: n === 2 ? run * 10 : n })) },
    runs: [{}, {}],
    leaves: { Price: 6, Change: 6 },
    logs: true,
  },
  'duplicate-ids': { routes: {}, leaves: { Vote: 3 } },
  'numeric-ids': { routes: { 'GET /accounts': { ids: [0, 7, 1e15, 9007199254740991] } }, leaves: { Account: 24 } },
  'ids-left-numbers': {
    routes: { 'GET /nodes': ({ run }) => ({ nodes: [{ id: 1, label: `one ${run}` }, { id: 2, label: 'two' }, { id: 12345678901, label: 'big' }], gone: [{ id: 2 }] }) },
    runs: [{}, {}],
    leaves: { Node: 2 },
  },
  'missing-fields': { routes: {}, leaves: { Row: 3 } },
  'odd-values': { routes: {}, leaves: { Thing: 17 } },
  'many-records': { routes: { 'GET /map': ({ run }) => ({ count: 5000, shift: run - 1 }) }, runs: [{}, {}], leaves: { Point: 5000 } },
  'long-texts': { routes: { 'GET /documents': { line: 'Lorem ipsum dolor sit amet, consectetur adipiscing. ' } }, leaves: { Document: 21 } },
  'several-models': {
    routes: {
      'GET /league': {
        teams: [{ code: 'ABC', name: 'A', players: [['goal', 'Ann'], ['wing', 'Amy']] }, { code: 'XYZ', name: 'X', players: [['back', 'Xi']] }],
        matches: [{ home: 'ABC', away: 'XYZ', goals: [2, 1] }, { home: 'XYZ', away: 'ABC' }],
      },
    },
    leaves: { Team: 2, Player: 3, Match: 2, Unused: 0 },
  },
  'deep-records': { routes: { 'GET /config': { z: 1, a: { '10': 'x', '9': 'y', b: [[[]], {}] }, __proto: null, e: '' } }, leaves: { Config: 4 } },
  'merging-strategy': { routes: { 'GET /notes': ({ run }) => rows(2, (n) => ({ id: `n${n}`, text: `run ${run}` })) }, runs: [{}, {}], leaves: { Note: 2 } },
  'unknown-model': { routes: {}, leaves: { Known: 1 } },
  'record-without-required-field': {
    routes: { 'GET /people': [{ id: '1', name: 'whole', age: 3 }, { id: '2', name: 'no age' }, { id: '3', name: 5, age: 'old' }] },
    leaves: { Person: 3 },
  },
};

export default scenarios;
