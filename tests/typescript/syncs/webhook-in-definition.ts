// A definition with everything in it, handlers of webhooks included, which a run leaves alone.
import { createSync } from 'nango';
import * as z from 'zod';

const models = { Ping: z.object({ id: z.string(), at: z.date().or(z.string()) }) };

const sync = createSync({
    description: 'Pings, by webhook and by run',
    version: '0.1.2-beta',
    frequency: 'every half hour',
    autoStart: false,
    syncType: 'incremental',
    trackDeletes: false,
    endpoints: [{ method: 'GET', path: '/pings', group: 'Health' }],
    scopes: ['pings:read'],
    metadata: z.void(),
    models,
    webhookSubscriptions: ['ping.created'],

    exec: async (nango) => {
        const { data } = await nango.get<{ id: string }[]>({ endpoint: '/pings' });
        await nango.batchSave(data.map(({ id }) => ({ id, at: new Date(0) })), 'Ping');
    },

    onWebhook: async (nango, payload) => {
        await nango.batchSave([{ id: payload.id, at: 'never by a run' }], 'Ping');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
