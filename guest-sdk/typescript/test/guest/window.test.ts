/** Windows and backfills, with the dates that the Rust SDK's tests have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { Every } from '../../src/guest/index.ts';
import { TestHost, errorOf, native } from './sdk.ts';

const { windows } = native;

test('windows lie where they should', () => {
  const rows: [from: string, to: string, every: Every, starts: string[]][] = [
    // A leap year, and one that is none.
    ['2024-01-31', '2024-05-01', { months: 1 }, ['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30']],
    ['2023-01-30', '2023-04-01', { months: 1 }, ['2023-01-30', '2023-02-28', '2023-03-30']],
    // 29 February, year by year.
    ['2024-02-29', '2029-01-01', { months: 12 }, ['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29']],
    // Over the new year, in weeks, and cut at the end.
    ['2025-12-25', '2026-01-09', { weeks: 1 }, ['2025-12-25', '2026-01-01', '2026-01-08']],
    ['2026-02-27', '2026-03-02', { days: 1 }, ['2026-02-27', '2026-02-28', '2026-03-01']],
    // Nothing to do.
    ['2026-03-01', '2026-03-01', { days: 1 }, []],
    ['2026-03-02', '2026-03-01', { months: 1 }, []],
    // No length is one, not for ever.
    ['2026-03-01', '2026-03-03', { days: 0 }, ['2026-03-01', '2026-03-02']],
    // The ends of what a text of ten characters says.
    ['9999-11-30', '9999-12-31', { months: 1 }, ['9999-11-30', '9999-12-30']],
    ['9999-12-01', '9999-12-31', { months: 65535 }, ['9999-12-01']],
    ['0001-01-31', '0001-03-02', { months: 1 }, ['0001-01-31', '0001-02-28']],
  ];
  for (const [from, to, every, starts] of rows) {
    const found = [...windows(from, to, every)];
    assert.deepEqual(found.map((window) => window.from), starts, `${from} to ${to}`);
    found.forEach((window, at) => assert.equal(window.to, starts[at + 1] ?? to, 'they meet without a gap'));
  }
});

test('a window tells its instants', () => {
  const last = [...windows(new Date('2026-01-01T23:59:59Z'), '2026-08-12', { months: 1 })].at(-1);
  assert.deepEqual(
    [last?.from, last?.to, last?.since.toISOString(), last?.until.toISOString(), last?.lastSecond.toISOString()],
    ['2026-08-01', '2026-08-12', '2026-08-01T00:00:00.000Z', '2026-08-12T00:00:00.000Z', '2026-08-11T23:59:59.000Z'],
  );
});

test('windows after a day leave out what lies before it', () => {
  const rows: [after: string, starts: string[]][] = [
    ['2025-01-01', ['2026-01-31', '2026-02-28', '2026-03-31']],
    ['2026-02-28', ['2026-02-28', '2026-03-31']],
    ['2026-03-05', ['2026-03-05', '2026-03-31']],
    ['2026-04-10', []],
  ];
  for (const [after, starts] of rows) {
    assert.deepEqual([...windows('2026-01-31', '2026-04-10', { months: 1 }, after)].map(({ from }) => from), starts, after);
  }
});

test('what is no date or length is refused', async () => {
  const rows: [from: unknown, every: unknown, says: RegExp][] = [
    ['2026-02-30', { days: 1 }, /`from` must be a date such as `2024-01-31`, not the string "2026-02-30"/],
    ['yesterday', { days: 1 }, /`from` must be a date/],
    [new Date('x'), { days: 1 }, /`from` is an invalid Date/],
    [undefined, { days: 1 }, /`from` must be a date .* not undefined/],
    ['2026-01-01', { years: 1 }, /`days`, `weeks` or `months` long, not `years`/],
    ['2026-01-01', { days: 1.5 }, /must be said as/],
    ['2026-01-01', { days: 1, weeks: 1 }, /must be said as/],
    ['2026-01-01', undefined, /must be said as/],
  ];
  for (const [from, every, says] of rows) {
    assert.match((await errorOf(() => [...windows(from as string, '2026-03-01', every as Every)])).message, says);
  }
});

/** Runs a backfill to 1 April, and gives the windows that were worked on. */
async function backfilled(host: InstanceType<typeof TestHost>, from = '2026-01-15', to = '2026-04-01', failAt?: string): Promise<string[]> {
  const seen: string[] = [];
  await host.run(
    native.sync({
      models: { Order: z.object({ id: z.string() }) },
      checkpoint: z.object({ until: z.string() }),
      run: async (run) => {
        const end = await run.backfill(from, to, { months: 1 }, async (window) => {
          seen.push(window.from);
          if (window.from === failAt) throw new Error('no');
          await run.get('/x', { anyStatus: true });
          return { until: window.to };
        });
        run.log.info(end.toISOString());
      },
    }),
  );
  return seen;
}

test('a backfill goes through its windows once', async () => {
  const host = new TestHost();
  assert.deepEqual(await backfilled(host), ['2026-01-15', '2026-02-15', '2026-03-15']);
  // The form is that of the Rust SDK: a sync is taken over from one language to the other.
  assert.deepEqual(host.metadata, { window: { from: '2026-01-15', to: '2026-04-01', every: { months: 1 }, done: '2026-04-01' } });
  assert.deepEqual([host.checkpoint, host.logLines], [{ until: '2026-04-01' }, ['2026-04-01T00:00:00.000Z']]);
  assert.deepEqual(host.progress[1], { message: '2026-02-15 to 2026-03-15', done: 1, total: 3 });
  assert.deepEqual(await backfilled(host), [], 'it is complete');
  assert.deepEqual(await backfilled(host, '2026-01-15', '2026-05-01'), [], 'it keeps the end that it began with');
  assert.deepEqual(await backfilled(host, '2025-12-15'), ['2025-12-15', '2026-01-15', '2026-02-15', '2026-03-15'], 'an earlier start is a wish for more');
});

test('a backfill that ends in the middle goes on there', async () => {
  const rows: [end: (host: InstanceType<typeof TestHost>) => Promise<string[]>, rest: string[]][] = [
    [(host) => backfilled(host, undefined, undefined, '2026-02-15'), ['2026-02-15', '2026-03-15']],
    [(host) => backfilled(host.stopAtCheckpoint(1)), ['2026-02-15', '2026-03-15']],
    [(host) => backfilled(host.stopAtRequest(3)), ['2026-03-15']],
    [(host) => backfilled(host.stopAtRequest(1)), ['2026-01-15', '2026-02-15', '2026-03-15']],
  ];
  for (const [end, rest] of rows) {
    const host = new TestHost().withMetadata({ team: 'a' });
    await end(host);
    assert.deepEqual(await backfilled(host), rest);
    assert.equal(host.metadata['team'], 'a');
  }
});

test('progress that the Rust SDK left is taken over, and a broken one is an error', async () => {
  const window = { from: '2026-01-15', to: '2026-04-01', every: { months: 1 }, done: '2026-03-15' };
  assert.deepEqual(await backfilled(new TestHost().withMetadata({ window })), ['2026-03-15']);
  const host = new TestHost().withMetadata({ window: { ...window, done: 'soon' } });
  const sync = native.sync({ models: { Order: z.object({ id: z.string() }) }, run: async (run) => void (await run.backfill('2026-01-01', '2026-02-01', { days: 1 }, () => undefined)) });
  const { error } = await host.run(sync);
  assert.equal(error?.code, 'metadata.invalid');
  assert.match(error?.message ?? '', /^Reading `window` of the metadata, where the backfill keeps its progress: /);
});
