// Progress through months kept in the metadata: a run that failed goes on with the month it was in.
import { createSync } from 'nango';
import { z } from 'zod';

const Sale = z.object({ id: z.string(), month: z.string() });
const Window = z.object({ fromDate: z.string().optional(), toDate: z.string().optional(), useMetadata: z.boolean().optional() });

const sync = createSync({
    description: 'Sales, month by month',
    version: '1.0.0',
    frequency: 'every day',
    syncType: 'incremental',
    metadata: Window,
    models: { Sale },

    exec: async (nango) => {
        const metadata = await nango.getMetadata<z.infer<typeof Window>>();
        const end = new Date(metadata.toDate ?? '2026-06-15');
        let start = new Date(metadata.useMetadata && metadata.fromDate ? metadata.fromDate : '2026-01-31');
        while (start < end) {
            let next = new Date(start);
            next.setUTCMonth(next.getUTCMonth() + 1);
            next.setUTCDate(1);
            if (next > end) next = end;
            const { data } = await nango.get<{ id: string }[]>({ endpoint: '/sales', params: { from: day(start), to: day(next) } });
            await nango.batchSave(data.map(({ id }) => ({ id, month: day(start).slice(0, 7) })), 'Sale');
            await nango.updateMetadata({ fromDate: day(next), toDate: day(end), useMetadata: next < end });
            start = next;
        }
    }
});

function day(date: Date): string {
    return date.toISOString().split('T')[0] as string;
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
