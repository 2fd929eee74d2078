// A provider whose last page links to itself: the second time is the end.
import { createSync } from 'nango';
import { z } from 'zod';

const Step = z.object({ id: z.string() });

const sync = createSync({
    description: 'Steps of a list that never says it is over',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/loop/steps' }],
    models: { Step },

    exec: async (nango) => {
        let pages = 0;
        for await (const page of nango.paginate<{ id: string }>({
            endpoint: '/steps',
            paginate: { type: 'link', link_path_in_response_body: 'next', response_path: 'steps' }
        })) {
            pages += 1;
            await nango.batchSave(page.map(({ id }) => ({ id: `${pages}-${id}` })), 'Step');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
