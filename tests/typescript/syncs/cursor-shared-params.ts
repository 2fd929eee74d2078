// One params object for two paginations by cursor: the first one's last cursor stays in it.
import { createSync } from 'nango';
import { z } from 'zod';

const Card = z.object({ id: z.string(), board: z.string() });

const sync = createSync({
    description: 'Cards of two boards with the same parameters',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/boards/cards' }],
    models: { Card },

    exec: async (nango) => {
        const params = { fields: 'id' };
        for (const board of ['a', 'b']) {
            for await (const page of nango.paginate<{ id: string }>({
                endpoint: `/boards/${board}/cards`,
                params,
                paginate: {
                    type: 'cursor',
                    cursor_path_in_response: 'next',
                    cursor_name_in_request: 'cursor',
                    response_path: 'cards',
                    limit_name_in_request: 'limit',
                    limit: 2
                }
            })) {
                await nango.batchSave(page.map(({ id }) => ({ id, board })), 'Card');
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
