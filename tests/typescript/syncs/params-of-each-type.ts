// Parameters: numbers, booleans, lists joined by commas, empty text, and what must be encoded.
import { createSync } from 'nango';
import { z } from 'zod';

const Echo = z.object({ id: z.string(), query: z.string() });

const sync = createSync({
    description: 'What the provider makes of the parameters',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Echo },

    exec: async (nango) => {
        const ask = async (id: string, params: any) => {
            const { data } = await nango.get({ endpoint: '/echo', params });
            await nango.batchSave([{ id, query: data.query }], 'Echo');
        };
        await ask('numbers', { page: 0, ratio: 1.5, big: 12345678901, negative: -1 });
        await ask('booleans', { archived: false, all: true });
        await ask('lists', { ids: [1, 2, 3], names: ['a b', 'c,d'], none: [] });
        await ask('texts', { empty: '', plus: '1+1', space: 'a b', amp: 'a&b=c', umlaut: 'Größe', emoji: '🌊', percent: '100%', hash: '#1', quote: '"\'' });
        await ask('names', { 'filter[status]': 'open', 'a.b': '1', $top: '5' });
        await ask('nothing', {});
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
