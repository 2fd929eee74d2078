// zod's enums, TypeScript's own enums of text and numbers, and literals of several values.
import { createSync } from 'nango';
import { z } from 'zod';

enum Status {
    Open = 'OPEN',
    Closed = 'CLOSED'
}
enum Level {
    Low = 1,
    Middle,
    High = 10
}
const Kind = z.enum(['bug', 'feature']);
const Issue = z.object({ id: z.string(), status: z.enum(Status), level: z.nativeEnum(Level), kind: Kind, words: z.string() });

const sync = createSync({
    description: 'Issues with states and levels',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Issue },

    exec: async (nango) => {
        const { data } = await nango.get<{ n: number; state: string; level: number; kind: string }[]>({ endpoint: '/issues' });
        for (const { n, state, level, kind } of data) {
            const issue = Issue.safeParse({
                id: String(n),
                status: state === 'o' ? Status.Open : state === 'c' ? Status.Closed : state,
                level,
                kind,
                words: `${Level[level] ?? 'none'} of ${Object.keys(Level).length / 2}, ${Kind.options.indexOf(kind as never)}`
            });
            if (issue.success) await nango.batchSave([issue.data], 'Issue');
            else await nango.log(issue.error.issues.map(({ message }) => message).join(' | '));
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
