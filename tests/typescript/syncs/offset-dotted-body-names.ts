// Names with dots become nested objects in a body.
import { createSync } from 'nango';
import { z } from 'zod';

const Deal = z.object({ id: z.string(), stage: z.string() });

const sync = createSync({
    description: 'Deals by a nested paging object',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/pipely/deals' }],
    models: { Deal },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ id: string; stage: { label: string } }>({
            method: 'POST',
            endpoint: '/deals/query',
            data: { 'query.owner': 'me' },
            paginate: {
                type: 'offset',
                offset_name_in_request: 'paging.skip',
                limit_name_in_request: 'paging.take',
                limit: 5,
                response_path: 'data.deals'
            }
        })) {
            await nango.batchSave(page.map((deal) => ({ id: deal.id, stage: deal.stage.label })), 'Deal');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
