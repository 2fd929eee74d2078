// `structuredClone`: deep copies with dates, maps, sets and cycles; functions are refused.
import { createSync } from 'nango';
import { z } from 'zod';

const Copy = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'Copies that are changed',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Copy },

    exec: async (nango) => {
        const { data } = await nango.get<{ tree: { leaf: number[] } }>({ endpoint: '/tree' });
        const copy = structuredClone(data);
        copy.tree.leaf.push(99);
        const rich = structuredClone({ at: new Date(5), map: new Map([['k', new Set([1])]]), bytes: new Uint8Array([7]), nothing: undefined, big: 3n });
        const loop: { self?: unknown; n: number } = { n: 1 };
        loop.self = loop;
        const looped = structuredClone(loop);
        let refused = false;
        try {
            structuredClone({ call: () => 1 });
        } catch {
            refused = true;
        }
        await nango.batchSave([
            { id: 'original', value: data },
            { id: 'copy', value: copy },
            { id: 'rich', value: [rich.at.getTime(), [...rich.map.get('k')!], [...rich.bytes], 'nothing' in rich, String(rich.big)] },
            { id: 'loop', value: looped.self === looped && looped !== loop },
            { id: 'refused', value: refused }
        ], 'Copy');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
