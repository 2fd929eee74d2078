// A list, then one request for each item, saved in groups.
import { createSync } from 'nango';
import { z } from 'zod';

const Pet = z.object({ id: z.string(), name: z.string(), vaccinated: z.array(z.string()) });

const sync = createSync({
    description: 'Pets with their vaccinations',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Pet },

    exec: async (nango) => {
        const { data: list } = await nango.get<{ id: number }[]>({ endpoint: '/pets' });
        const ids = list.map(({ id }) => id);
        while (ids.length > 0) {
            const pets: z.infer<typeof Pet>[] = [];
            for (const id of ids.splice(0, 3)) {
                const { data } = await nango.get({ endpoint: `/pets/${id}`, params: { expand: 'vaccinations' } });
                pets.push({ id: String(data.id), name: data.name, vaccinated: data.vaccinations.map((v: { against: string }) => v.against) });
            }
            await nango.batchSave(pets, 'Pet');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
