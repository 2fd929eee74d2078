// Unions of scalars and of objects, the first that fits is taken; nullable and optional beside them.
import { createSync } from 'nango';
import { z } from 'zod';

const Value = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()]);
const Owner = z.union([z.object({ team: z.string() }), z.object({ user: z.string(), email: z.string().optional() })]).nullable();
const Field = z.object({ id: z.string(), value: Value, owner: Owner.optional(), kind: z.string() });

const sync = createSync({
    description: 'Fields of any type',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Field },

    exec: async (nango) => {
        const { data } = await nango.get<{ fields: Record<string, unknown>[] }>({ endpoint: '/fields' });
        for (const field of data.fields) {
            const parsed = Field.omit({ kind: true }).safeParse(field);
            const kind = (value: z.infer<typeof Value>) => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);
            if (parsed.success) await nango.batchSave([{ ...parsed.data, kind: kind(parsed.data.value) }], 'Field');
            else await nango.log(parsed.error.issues.map(({ code, path }) => `${code}@${path.join('/')}`).join(' '));
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
