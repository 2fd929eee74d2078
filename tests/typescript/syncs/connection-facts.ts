// The connection: its configuration, id, settings.
import { createSync } from 'nango';
import { z } from 'zod';

const Fact = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'What a sync may know of its connection',
    version: '1.0.0',
    frequency: 'every hour',
    metadata: z.object({ plan: z.string() }),
    models: { Fact },

    exec: async (nango) => {
        const connection = await nango.getConnection();
        const subdomain = connection.connection_config['subdomain'];
        const { data } = await nango.get({ endpoint: `/sites/${subdomain}/users` });
        await nango.batchSave([
            { id: 'config', value: connection.connection_config },
            { id: 'connection', value: connection.connection_id },
            { id: 'integration', value: connection.provider_config_key },
            { id: 'own', value: `${nango.connectionId} ${nango.providerConfigKey} ${nango.variant}` },
            { id: 'settings', value: connection.metadata },
            { id: 'missing', value: connection.connection_config['nothing'] ?? 'nothing' },
            { id: 'users', value: data }
        ], 'Fact');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
