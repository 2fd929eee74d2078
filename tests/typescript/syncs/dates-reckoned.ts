// Reckoning with dates: months with overflow, days, weeks, leap years, parts, comparison.
import { createSync } from 'nango';
import { z } from 'zod';

const Day = z.object({ id: z.string(), value: z.string() });

const sync = createSync({
    description: 'Due dates',
    version: '1.0.0',
    frequency: 'every day',
    models: { Day },

    exec: async (nango) => {
        const { data } = await nango.get<{ start: string }>({ endpoint: '/start' });
        const start = new Date(data.start);
        const moved = (change: (date: Date) => unknown) => {
            const date = new Date(start);
            change(date);
            return date.toISOString();
        };
        const values: Record<string, string> = {
            month: moved((date) => date.setUTCMonth(date.getUTCMonth() + 1)),
            back: moved((date) => date.setUTCMonth(date.getUTCMonth() - 11)),
            days: moved((date) => date.setUTCDate(date.getUTCDate() + 45)),
            zero: moved((date) => date.setUTCDate(0)),
            hours: moved((date) => date.setUTCHours(-1, 61, 61, 1001)),
            year: moved((date) => date.setUTCFullYear(2028, 1, 29)),
            utc: new Date(Date.UTC(26, 0)).toISOString(),
            json: JSON.stringify({ at: start }),
            week: String(Math.ceil(((+start - Date.UTC(start.getUTCFullYear(), 0, 1)) / 86_400_000 + 1) / 7)),
            weekday: `${start.getUTCDay()} ${start.toUTCString()}`,
            local: `${start.getFullYear()}-${start.getMonth() + 1}-${start.getDate()} ${start.getHours()} ${start.getTimezoneOffset()}`,
            words: `${start.toDateString()} | ${start.toString().slice(0, 24)}`,
            sorted: [new Date(3), new Date(1), new Date(2)].sort((a, b) => +a - +b).map((date) => date.getTime()).join(),
            compared: String(new Date(0) < start && start <= new Date(8.64e15) && isNaN(+new Date(8.64e15 + 1)))
        };
        await nango.batchSave(Object.entries(values).map(([id, value]) => ({ id, value })), 'Day');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
