// Fifty pages of a hundred orders, each checked by a schema of twenty-five nested fields.
import { createSync } from 'nango';
import { z } from 'zod';

const Money = z.object({ amount: z.string(), currency: z.string() });
const Address = z.object({ line1: z.string(), city: z.string(), zip: z.string().nullish(), country: z.string() });
const ProviderOrder = z.object({
    id: z.number(),
    number: z.string(),
    state: z.enum(['open', 'paid', 'shipped']),
    created_at: z.string(),
    updated_at: z.string().nullable(),
    customer: z.object({ id: z.number(), first_name: z.string(), last_name: z.string(), email: z.string().nullable() }),
    billing: Address,
    shipping: Address.optional(),
    lines: z.array(z.object({ sku: z.string(), quantity: z.number(), price: Money })),
    totals: z.object({ net: Money, tax: Money, gross: Money }),
    tags: z.union([z.string(), z.array(z.string())]),
    note: z.string().nullish()
});
const Order = z.object({ id: z.string(), number: z.string(), state: z.string(), customer: z.string(), city: z.string(), items: z.number(), gross: z.number(), tags: z.array(z.string()) });

const sync = createSync({
    description: 'Orders of a shop',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Order },

    exec: async (nango) => {
        for await (const page of nango.paginate<unknown>({
            endpoint: '/orders',
            paginate: { type: 'offset', offset_name_in_request: 'offset', limit_name_in_request: 'limit', limit: 100, response_path: 'orders' },
            retries: 3
        })) {
            const orders: z.infer<typeof Order>[] = [];
            for (const item of page) {
                const parsed = ProviderOrder.safeParse(item);
                if (!parsed.success) throw parsed.error;
                const { data: order } = parsed;
                orders.push({
                    id: String(order.id),
                    number: order.number,
                    state: order.state,
                    customer: `${order.customer.first_name} ${order.customer.last_name}`,
                    city: order.shipping?.city ?? order.billing.city,
                    items: order.lines.reduce((sum, { quantity }) => sum + quantity, 0),
                    gross: Number(order.totals.gross.amount),
                    tags: typeof order.tags === 'string' ? order.tags.split(',') : order.tags
                });
            }
            await nango.batchSave(orders, 'Order');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
