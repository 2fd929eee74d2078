// Offset that counts pages from 1; a page shorter than the limit is the last one asked for.
import { createSync } from 'nango';
import type { ProxyConfiguration } from 'nango';
import { z } from 'zod';

const ProviderTicket = z.object({ key: z.string(), title: z.string(), open: z.boolean() });
const Ticket = z.object({ id: z.string(), title: z.string(), status: z.enum(['open', 'closed']) });

const sync = createSync({
    description: 'Tickets of a help desk',
    version: '2.1.0',
    frequency: 'every 5 minutes',
    autoStart: true,
    syncType: 'full',
    endpoints: [{ method: 'GET', path: '/deskly/tickets' }],
    models: { Ticket },

    exec: async (nango) => {
        const config: ProxyConfiguration = {
            endpoint: 'tickets',
            paginate: {
                type: 'offset',
                offset_name_in_request: 'page',
                offset_start_value: 1,
                offset_calculation_method: 'per-page',
                limit_name_in_request: 'per_page',
                limit: 20,
                response_path: 'tickets'
            },
            retries: 3
        };
        for await (const page of nango.paginate(config)) {
            const tickets = page.map((raw: unknown) => ProviderTicket.parse(raw));
            await nango.batchSave(tickets.map(({ key, title, open }) => ({ id: key, title, status: open ? ('open' as const) : ('closed' as const) })), 'Ticket');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
