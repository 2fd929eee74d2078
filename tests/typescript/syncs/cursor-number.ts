// A cursor that is a number, zero included.
import { createSync } from 'nango';
import { z } from 'zod';

const Block = z.object({ id: z.string(), height: z.number() });

const sync = createSync({
    description: 'Blocks from the top down to zero',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/ledger/blocks' }],
    models: { Block },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ height: number }>({
            endpoint: '/blocks',
            paginate: { type: 'cursor', cursor_path_in_response: 'below', cursor_name_in_request: 'below', response_path: 'blocks' }
        })) {
            await nango.batchSave(page.map(({ height }) => ({ id: String(height), height })), 'Block');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
