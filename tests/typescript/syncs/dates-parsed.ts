// Dates as providers write them, read by `Date`.
import { createSync } from 'nango';
import { z } from 'zod';

const Moment = z.object({ id: z.string(), iso: z.string(), ms: z.number().nullable() });

const sync = createSync({
    description: 'Moments in many spellings',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Moment },

    exec: async (nango) => {
        const { data } = await nango.get<{ texts: string[]; numbers: number[] }>({ endpoint: '/moments' });
        const moment = (id: string, date: Date) => ({ id, iso: isNaN(date.getTime()) ? 'invalid' : date.toISOString(), ms: isNaN(date.getTime()) ? null : date.getTime() });
        await nango.batchSave(data.texts.map((text) => moment(text || 'empty', new Date(text))), 'Moment');
        await nango.batchSave(data.numbers.map((number) => moment(`n${number}`, new Date(number))), 'Moment');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
