// A provider's schema with thirty nested and optional fields, a thousand items of it.
import { createSync } from 'nango';
import { z } from 'zod';

const Money = z.object({ amount: z.string(), currency_code: z.string() });
const Address = z.object({ line1: z.string().nullish(), city: z.string().nullish(), zip: z.string().nullish(), country: z.string().nullish(), geo: z.object({ lat: z.number(), lon: z.number() }).optional() });
const ProviderOrder = z.object({
    id: z.number(),
    number: z.string(),
    state: z.enum(['open', 'paid', 'shipped', 'cancelled']),
    created_at: z.string(),
    updated_at: z.string().nullable(),
    customer: z.object({ id: z.number(), first_name: z.string(), last_name: z.string(), email: z.string().nullable(), addresses: z.array(Address).default([]) }).nullable(),
    billing: Address.optional(),
    shipping: Address.optional(),
    lines: z.array(z.object({ sku: z.string(), quantity: z.number().int(), price: Money, discounts: z.array(Money).optional(), properties: z.record(z.string(), z.unknown()).optional() })),
    totals: z.object({ net: Money, tax: Money, gross: Money }),
    tags: z.union([z.string(), z.array(z.string())]).optional(),
    note: z.string().nullish()
});
const Order = z.object({ id: z.string(), number: z.string(), state: z.string(), customer: z.string().nullable(), city: z.string().nullable(), items: z.number(), gross: z.number(), tags: z.array(z.string()) });

const sync = createSync({
    description: 'Orders of a shop',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Order },

    exec: async (nango) => {
        for await (const page of nango.paginate({
            endpoint: '/orders.json',
            paginate: { type: 'offset', offset_name_in_request: 'page', offset_calculation_method: 'per-page', response_path: 'orders', limit: 250, limit_name_in_request: 'limit' }
        })) {
            const orders = page.flatMap((item) => {
                const { data: order } = ProviderOrder.safeParse(item);
                return order ? [mapped(order)] : [];
            });
            await nango.batchSave(orders, 'Order');
        }
    }
});

function mapped(order: z.infer<typeof ProviderOrder>): z.infer<typeof Order> {
    const { customer, tags } = order;
    return {
        id: String(order.id),
        number: order.number,
        state: order.state,
        customer: customer && `${customer.first_name} ${customer.last_name}`.trim(),
        city: order.shipping?.city ?? order.billing?.city ?? customer?.addresses[0]?.city ?? null,
        items: order.lines.reduce((sum, { quantity }) => sum + quantity, 0),
        gross: Number(order.totals.gross.amount),
        tags: typeof tags === 'string' ? tags.split(',').map((tag) => tag.trim()) : (tags ?? [])
    };
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
