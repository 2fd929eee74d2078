// Formats of text: email, URL, UUID, date and time, IP, base64, and checks by expression.
import { createSync } from 'nango';
import { z } from 'zod';

const formats = {
    email: z.email(),
    url: z.string().url(),
    uuid: z.uuid(),
    datetime: z.iso.datetime({ offset: true }),
    date: z.iso.date(),
    time: z.iso.time(),
    ipv4: z.ipv4(),
    base64: z.base64(),
    regex: z.string().regex(/^[A-Z]{2}-\d+$/, 'two letters, a dash, digits'),
    starts: z.string().startsWith('id_').endsWith('x').includes('-'),
    length: z.string().min(2).max(4),
    digits: z.stringFormat('digits', /^\d+$/)
};
const Verdict = z.object({ id: z.string(), fits: z.array(z.string()), says: z.array(z.string()) });

const sync = createSync({
    description: 'Which text has which format',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Verdict },

    exec: async (nango) => {
        const { data } = await nango.get<{ texts: string[] }>({ endpoint: '/texts' });
        await nango.batchSave(data.texts.map((id) => {
            const results = Object.entries(formats).map(([name, format]) => [name, format.safeParse(id)] as const);
            return {
                id: id || 'empty',
                fits: results.filter(([, { success }]) => success).map(([name]) => name),
                says: [...new Set(results.flatMap(([, { error }]) => error?.issues.map(({ message }) => message) ?? []))]
            };
        }), 'Verdict');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
