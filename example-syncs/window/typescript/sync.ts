/**
 * Window: go through years month by month, then on to what is new. For histories too large
 * for one run, of a provider that can filter by date.
 */
import { type Run, sync } from '@tidegate/sdk';
import { z } from 'zod';

/** A commit of the repository. */
const Commit = z.object({
  id: z.string(),
  author: z.string(),
  date: z.string(),
  message: z.string(),
});

/** A commit as GitHub lists it: of its many fields, those that are wanted. */
const Listed = z.object({
  sha: z.string(),
  commit: z.object({
    author: z.object({ name: z.string() }),
    committer: z.object({ date: z.string() }),
    message: z.string(),
  }),
});

const models = { Commit };
/** Every commit before this date is saved. */
const checkpoint = z.object({ date: z.string() });
/** What the app sets for each connection. The progress stands beside it, as `window`. */
const metadata = z.object({
  owner: z.string(),
  repo: z.string(),
  /** The first day that is wanted. */
  from: z.string(),
});

export default sync({
  name: 'commits',
  version: '1.0.0',
  description: 'The history of a repository, and then its new commits.',
  models,
  frequency: 'every hour',
  checkpoint,
  metadata,

  async run(run) {
    const { owner, repo, from } = run.metadata();
    const url = `/repos/${owner}/${repo}/commits`;
    // The date of the newest commit that is saved.
    let newest = run.checkpoint()?.date;

    // Each month is recorded once it is complete: a run that is killed goes on with the
    // month it was in, and once all are complete this answers at once.
    const end = await run.backfill(from, run.today, { months: 1 }, async (month) => {
      // GitHub's `until` is inclusive, the end of a window is not.
      newest = later(newest, await save(run, url, { since: seconds(month.since), until: seconds(month.lastSecond) }));
      return { date: newest ?? seconds(month.since) };
    });

    // From then on, what is new. The newest come first here, so the checkpoint moves only
    // when the last page is saved: sooner, and a broken run would leave the older ones out.
    const date = await save(run, url, { since: newest ?? seconds(end) });
    if (date) {
      run.saveCheckpoint({ date });
    }
  },
});

/** Saves what is listed at `url`, page by page; answers the newest date. */
async function save(
  run: Run<typeof models, typeof checkpoint, typeof metadata>,
  url: string,
  dates: { since: string; until?: string },
): Promise<string | undefined> {
  let newest: string | undefined;
  const pages = run.paginate(url, { query: { per_page: 100, ...dates }, paging: { type: 'link' }, as: Listed });
  for await (const page of pages) {
    const commits = page.map(({ sha, commit }) => ({
      id: sha,
      author: commit.author.name,
      // The committer's date is the one that GitHub filters by.
      date: commit.committer.date,
      message: commit.message,
    }));
    newest = commits.reduce((newest, { date }) => later(newest, date), newest);
    run.log.info('saved a page', run.save('Commit', commits));
  }
  return newest;
}

/** The later of two dates in RFC 3339 and UTC, which sort as text. */
function later(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}

/** RFC 3339 without the fraction: providers write it so, and dates are compared as text. */
function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
