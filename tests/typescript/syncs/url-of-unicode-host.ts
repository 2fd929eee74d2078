// A URL whose host is not ASCII.
import { createSync } from 'nango';
import { z } from 'zod';

const Site = z.object({ id: z.string(), host: z.string() });

const sync = createSync({
    description: 'Sites by their hosts',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Site },

    exec: async (nango) => {
        const { data } = await nango.get<string[]>({ endpoint: '/sites' });
        for (const site of data) {
            await nango.batchSave([{ id: site, host: hostOf(site) }], 'Site');
        }
    }
});

function hostOf(site: string): string {
    try {
        return new URL(site).hostname;
    } catch (error) {
        return error instanceof TypeError ? 'refused' : 'unknown';
    }
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
