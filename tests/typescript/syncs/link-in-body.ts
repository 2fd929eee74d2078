// The next page by a whole URL in the body.
import { createSync } from 'nango';
import { z } from 'zod';

const Invoice = z.object({ id: z.string(), amount: z.number(), due: z.string() });

const sync = createSync({
    description: 'Invoices',
    version: '1.0.0',
    frequency: 'every day',
    endpoints: [{ method: 'GET', path: '/ledgerly/invoices' }],
    models: { Invoice },

    exec: async (nango) => {
        for await (const page of nango.paginate<{ number: string; amount: number; due_date: string }>({
            endpoint: '/api/invoices',
            params: { status: 'sent' },
            paginate: { type: 'link', link_path_in_response_body: 'links.next', response_path: 'data' },
            retries: 3
        })) {
            await nango.batchSave(page.map((invoice) => ({ id: invoice.number, amount: invoice.amount, due: invoice.due_date })), 'Invoice');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
