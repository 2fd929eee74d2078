// Ids left as numbers, against the types: saved, updated and deleted under their plain text.
import { createSync } from 'nango';
import { z } from 'zod';

const Node = z.object({ id: z.any(), label: z.string() }) as any;

const sync = createSync({
    description: 'Nodes whose ids were never made to text',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Node },

    exec: async (nango) => {
        const { data } = await nango.get({ endpoint: '/nodes' });
        await nango.batchSave(data.nodes, 'Node');
        await nango.batchDelete(data.gone as any, 'Node');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
