// Events of several shapes told apart by a literal.
import { createSync } from 'nango';
import { z } from 'zod';

const Event = z.discriminatedUnion('type', [
    z.object({ type: z.literal('created'), id: z.string(), by: z.string() }),
    z.object({ type: z.literal('moved'), id: z.string(), from: z.number(), to: z.number() }),
    z.object({ type: z.literal(['closed', 'deleted']), id: z.string(), reason: z.string().default('none given') })
]);
const Audit = z.object({ id: z.string(), text: z.string() });

const sync = createSync({
    description: 'An audit log in words',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Audit },

    exec: async (nango) => {
        const { data } = await nango.get<unknown[]>({ endpoint: '/audit' });
        const words = (event: z.infer<typeof Event>): string => {
            switch (event.type) {
                case 'created':
                    return `created by ${event.by}`;
                case 'moved':
                    return `moved from ${event.from} to ${event.to}`;
                default:
                    return `${event.type}: ${event.reason}`;
            }
        };
        for (const item of data) {
            const parsed = Event.safeParse(item);
            if (parsed.success) await nango.batchSave([{ id: parsed.data.id, text: words(parsed.data) }], 'Audit');
            else await nango.log(parsed.error.issues[0]?.message ?? 'no message', { level: 'error' });
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
