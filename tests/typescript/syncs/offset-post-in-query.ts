// A POST whose paging stays in the query because `in_body` says so.
import { createSync } from 'nango';
import { z } from 'zod';

const Report = z.object({ id: z.string(), rows: z.number() });

const sync = createSync({
    description: 'Reports by POST, paged in the query',
    version: '1.0.0',
    frequency: 'every day',
    endpoints: [{ method: 'GET', path: '/figures/reports' }],
    models: { Report },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ id: number; rows: number }>({
            method: 'POST',
            endpoint: '/reports',
            data: { kind: 'monthly' },
            params: { fields: 'id,rows' },
            paginate: { type: 'offset', offset_name_in_request: 'start', in_body: false, limit_name_in_request: 'max', limit: 3 }
        })) {
            await nango.batchSave(page.map(({ id, rows }) => ({ id: `${id}`, rows })), 'Report');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
