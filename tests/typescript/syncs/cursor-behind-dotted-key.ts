// A key with a dot in its name comes before the path that it could be.
import { createSync } from 'nango';
import { z } from 'zod';

const Entity = z.object({ id: z.string() });

const sync = createSync({
    description: 'Entities of an OData API',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/odata/entities' }],
    models: { Entity },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ Id: number }>({
            endpoint: '/Entities',
            paginate: { type: 'cursor', cursor_path_in_response: '@odata.skiptoken', cursor_name_in_request: '$skiptoken', response_path: 'value' }
        })) {
            await nango.batchSave(page.map(({ Id }) => ({ id: String(Id) })), 'Entity');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
