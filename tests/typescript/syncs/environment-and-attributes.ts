// Members that few use: environment variables, the logger, the variant, the last sync date.
import { createSync } from 'nango';
import { z } from 'zod';

const Fact = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'Facts of the environment',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Fact },

    exec: async (nango) => {
        const variables = await nango.getEnvironmentVariables();
        nango.setLogger({ level: 'warn' });
        await nango.log('not shown');
        await nango.log('shown', { level: 'warn' });
        nango.setLogger({ level: 'debug' });
        await nango.log('shown again', { level: 'debug' });
        await nango.batchSave([
            { id: 'variables', value: variables ?? [] },
            { id: 'variant', value: [nango.variant, nango.getVariant?.()] },
            { id: 'last', value: nango.lastSyncDate ?? null }
        ], 'Fact');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
