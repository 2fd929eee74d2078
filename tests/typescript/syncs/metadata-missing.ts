// A connection without settings: defaults where they are optional, a clear failure where not.
import { createSync } from 'nango';
import { z } from 'zod';

const Channel = z.object({ id: z.string() });
const Settings = z.object({ team: z.string().default('everyone'), limit: z.number().optional() });

const sync = createSync({
    description: 'Channels, with or without settings',
    version: '1.0.0',
    frequency: 'every hour',
    metadata: z.object({ team: z.string().optional(), limit: z.number().optional(), strict: z.boolean().optional() }),
    models: { Channel },

    exec: async (nango) => {
        const metadata = await nango.getMetadata();
        const settings = Settings.parse(metadata ?? {});
        const { data } = await nango.get<string[]>({ endpoint: '/channels', params: { team: settings.team, limit: settings.limit ?? 'none' } });
        await nango.batchSave(data.map((id) => ({ id })), 'Channel');
        if (metadata?.strict) {
            throw new Error(`a team is needed, the settings have ${Object.keys(metadata).sort().join(' and ')}`);
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
