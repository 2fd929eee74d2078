// A list that is read anew each time: the place in it is kept while under way and cleared at the end.
import { createSync } from 'nango';
import { z } from 'zod';

const Student = z.object({ id: z.string(), grade: z.number() });

const sync = createSync({
    description: 'Students, resumed after a failure',
    version: '1.0.0',
    frequency: 'every day',
    syncType: 'full',
    checkpoint: z.object({ page: z.number() }),
    models: { Student },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        for (let page = checkpoint?.page ?? 1; ; page++) {
            const { data } = await nango.get<{ students: { n: number; grade: number }[] }>({ endpoint: '/students', params: { page } });
            if (data.students.length === 0) break;
            await nango.batchSave(data.students.map(({ n, grade }) => ({ id: `s${n}`, grade })), 'Student');
            await nango.saveCheckpoint({ page: page + 1 });
        }
        await nango.clearCheckpoint();
        const after = await nango.getCheckpoint();
        await nango.log(`checkpoint is ${after === null ? 'gone' : 'there'}`);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
