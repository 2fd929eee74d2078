// Pages from an async generator of the author's own, with `yield*`, `return` and `finally`.
import { createSync } from 'nango';
import { z } from 'zod';

const Lesson = z.object({ id: z.string(), course: z.string(), minutes: z.number() });
type Local = NangoSyncLocal;

const sync = createSync({
    description: 'Lessons of all courses',
    version: '1.0.0',
    frequency: 'every day',
    models: { Lesson },

    exec: async (nango) => {
        for await (const lessons of allLessons(nango)) {
            await nango.batchSave(lessons, 'Lesson');
        }
        for await (const lesson of oneByOne(nango, 'extra')) {
            await nango.batchSave([lesson], 'Lesson');
            if (lesson.minutes > 50) break;
        }
    }
});

async function* allLessons(nango: Local): AsyncGenerator<z.infer<typeof Lesson>[]> {
    const { data } = await nango.get<{ courses: string[] }>({ endpoint: '/courses' });
    for (const course of data.courses) {
        yield* lessonsOf(nango, course);
    }
}

async function* lessonsOf(nango: Local, course: string): AsyncGenerator<z.infer<typeof Lesson>[], number> {
    let count = 0;
    for (let page = 0; ; page++) {
        const { data } = await nango.get<{ n: number; min: number }[]>({ endpoint: `/courses/${course}/lessons`, params: { page } });
        if (data.length === 0) return count;
        count += data.length;
        yield data.map(({ n, min }) => ({ id: `${course}/${n}`, course, minutes: min }));
    }
}

async function* oneByOne(nango: Local, course: string) {
    try {
        for await (const lessons of lessonsOf(nango, course)) yield* lessons;
    } finally {
        await nango.log(`left ${course}`);
    }
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
