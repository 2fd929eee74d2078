/**
 * Windows of time: years, a month at a time, with the progress in the metadata, and then
 * what is new.
 */
import { createSync } from 'nango';
import { z } from 'zod';

const Commit = z.object({
    id: z.string(),
    author: z.string(),
    date: z.string(),
    message: z.string()
});
type Commit = z.infer<typeof Commit>;

/** What the app sets for each connection, and beside it how far the windows are. */
const Metadata = z.object({
    owner: z.string(),
    repo: z.string(),
    /** The first day that is wanted, then the first that is not saved yet. */
    fromDate: z.string().optional(),
    /** Where the windows end: fixed when the first run begins. */
    toDate: z.string().optional(),
    /** Whether windows are left: then the dates above count. */
    useMetadata: z.boolean().optional()
});

const Listed = z.object({
    sha: z.string(),
    commit: z.object({
        author: z.object({ name: z.string() }),
        committer: z.object({ date: z.string() }),
        message: z.string()
    })
});

const LOOK_BACK_YEARS = 5;

const sync = createSync({
    description: 'The history of a repository, and then its new commits.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    endpoints: [{ method: 'GET', path: '/github/commits', group: 'Commits' }],
    models: { Commit },
    metadata: Metadata,
    checkpoint: z.object({ newest: z.string() }),

    exec: async (nango) => {
        const metadata = await nango.getMetadata();
        const checkpoint = await nango.getCheckpoint();
        const endpoint = `/repos/${metadata.owner}/${metadata.repo}/commits`;
        let newest = checkpoint?.newest;

        const save = async (params: Record<string, string>) => {
            const pages = nango.paginate<z.infer<typeof Listed>>({
                endpoint,
                params: { ...params, per_page: '100' },
                paginate: { type: 'link', link_rel_in_response_header: 'next' },
                retries: 10
            });
            for await (const page of pages) {
                const commits = page.map(toCommit);
                await nango.batchSave(commits, 'Commit');
                for (const { date } of commits) {
                    newest = newest && newest > date ? newest : date;
                }
            }
        };

        // The windows, unless an earlier run has finished them.
        const isFirst = metadata.useMetadata === undefined;
        if (isFirst || metadata.useMetadata) {
            const end = isFirst ? startOfDay(new Date()) : day(metadata.toDate!);
            let start = metadata.fromDate ? day(metadata.fromDate) : yearsBefore(end, LOOK_BACK_YEARS);
            while (start < end) {
                const next = earlier(firstOfNextMonth(start), end);
                // GitHub's `until` is inclusive, the end of a window is not.
                const until = new Date(next.getTime() - 1000);
                await save({ since: start.toISOString(), until: until.toISOString() });
                await nango.updateMetadata({
                    fromDate: dateOf(next),
                    toDate: dateOf(end),
                    useMetadata: next < end
                });
                await nango.log(`saved ${dateOf(start)} to ${dateOf(next)}`);
                if (newest) {
                    // A run may end here and go on with the next window.
                    await nango.saveCheckpoint({ newest });
                }
                start = next;
            }
        }

        // Then what is new. The newest come first here, so the checkpoint moves when the last
        // page is saved: sooner, and a broken run would leave the older ones out.
        await save(newest ? { since: newest } : {});
        if (newest) {
            await nango.saveCheckpoint({ newest });
        }
    }
});

function toCommit(listed: z.infer<typeof Listed>): Commit {
    const { sha, commit } = Listed.parse(listed);
    return { id: sha, author: commit.author.name, date: commit.committer.date, message: commit.message };
}

function day(date: string): Date {
    return new Date(`${date}T00:00:00.000Z`);
}

function dateOf(date: Date): string {
    return date.toISOString().slice(0, 10);
}

function startOfDay(date: Date): Date {
    return day(dateOf(date));
}

function firstOfNextMonth(date: Date): Date {
    return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
}

function yearsBefore(date: Date, years: number): Date {
    return new Date(Date.UTC(date.getUTCFullYear() - years, date.getUTCMonth(), 1));
}

function earlier(a: Date, b: Date): Date {
    return a < b ? a : b;
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
