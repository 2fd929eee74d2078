// `Link` headers with several relations, without quotes, with commas and semicolons in the URL.
import { createSync } from 'nango';
import { z } from 'zod';

const Build = z.object({ id: z.string() });

const sync = createSync({
    description: 'Builds behind link headers as servers really write them',
    version: '1.0.0',
    frequency: 'every hour',
    endpoints: [{ method: 'GET', path: '/ci/builds' }],
    models: { Build },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ number: number }>({
            endpoint: '/builds',
            paginate: { type: 'link', link_rel_in_response_header: 'next', response_path: 'builds' }
        })) {
            await nango.batchSave(page.map(({ number }) => ({ id: `build-${number}` })), 'Build');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
