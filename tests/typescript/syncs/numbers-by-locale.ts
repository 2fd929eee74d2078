// Numbers and dates in words by `toLocaleString('en-US')` with the options that authors use.
import { createSync } from 'nango';
import { z } from 'zod';

const Label = z.object({ id: z.string(), label: z.string() });

const sync = createSync({
    description: 'Labels for people',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Label },

    exec: async (nango) => {
        const { data } = await nango.get<{ amounts: number[]; at: string }>({ endpoint: '/amounts' });
        const at = new Date(data.at);
        const labels: Record<string, string> = {
            plain: data.amounts.map((amount) => amount.toLocaleString('en-US')).join(' | '),
            cents: data.amounts.map((amount) => amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })).join(' | '),
            dollars: data.amounts.map((amount) => amount.toLocaleString('en-US', { style: 'currency', currency: 'USD' })).join(' | '),
            date: at.toLocaleDateString('en-US', { timeZone: 'UTC' }),
            long: at.toLocaleDateString('en-US', { year: 'numeric', month: 'long', day: 'numeric', timeZone: 'UTC' }),
            month: at.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' }),
            weekday: at.toLocaleDateString('en-US', { weekday: 'long', timeZone: 'UTC' })
        };
        await nango.batchSave(Object.entries(labels).map(([id, label]) => ({ id, label })), 'Label');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
