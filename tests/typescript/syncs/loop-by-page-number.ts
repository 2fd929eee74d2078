// A hand-written loop over page numbers until a page comes short.
import { createSync } from 'nango';
import { z } from 'zod';

const City = z.object({ id: z.string(), population: z.number() });
const PAGE_SIZE = 10;

const sync = createSync({
    description: 'Cities, page by page',
    version: '1.0.0',
    frequency: 'every day',
    models: { City },

    exec: async (nango) => {
        let page = 1;
        while (true) {
            const response = await nango.get<{ cities: { code: string; pop: number }[] }>({
                endpoint: '/cities',
                params: { page, size: PAGE_SIZE },
                retries: 3
            });
            const { cities } = response.data;
            await nango.batchSave(cities.map(({ code, pop }) => ({ id: code, population: pop })), 'City');
            if (cities.length < PAGE_SIZE) break;
            page++;
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
