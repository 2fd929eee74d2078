// Schemas made of others: pick, omit, extend, partial, required, merge, keyof, shape, brand, readonly.
import { createSync } from 'nango';
import { z } from 'zod';

const Base = z.object({ id: z.string(), name: z.string(), email: z.string().optional(), secret: z.string() });
const Public = Base.omit({ secret: true }).extend({ role: z.string().default('member') });
const Patch = Base.partial().required({ id: true }).pick({ id: true, name: true });
const Full = Base.required().and(z.object({ extra: z.number() }));
const Ids = Base.keyof();

const sync = createSync({
    description: 'Profiles in three views',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Public, Patch, Keys: z.object({ id: z.string(), keys: z.array(z.string()), full: z.boolean(), key: z.boolean() }) },

    exec: async (nango) => {
        const { data } = await nango.get<any[]>({ endpoint: '/profiles' });
        await nango.batchSave(data.map((item) => Public.parse(item)), 'Public');
        await nango.batchSave(data.map((item) => Patch.readonly().parse(item)), 'Patch');
        await nango.batchSave(data.map((item) => ({
            id: Base.shape.id.brand('ProfileId').parse(item.id),
            keys: Object.keys(Public.shape),
            full: Full.safeParse(item).success,
            key: Ids.safeParse('secret').success && !Ids.safeParse('other').success
        })), 'Keys');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
