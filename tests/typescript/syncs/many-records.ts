// 5,000 records in one save, of which the second run changes a few.
import { createSync } from 'nango';
import { z } from 'zod';

const Point = z.object({ id: z.string(), x: z.number(), y: z.number(), label: z.string() });

const sync = createSync({
    description: 'Points of a map',
    version: '1.0.0',
    frequency: 'every day',
    models: { Point },

    exec: async (nango) => {
        const { data } = await nango.get<{ count: number; shift: number }>({ endpoint: '/map' });
        const points = Array.from({ length: data.count }, (_, i) => ({ id: `p${i}`, x: i % 100, y: Math.floor(i / 100) + (i % 1000 === 0 ? data.shift : 0), label: `Point ${i}` }));
        await nango.batchSave(points, 'Point');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
