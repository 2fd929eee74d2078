// Refinements over several fields, with their own messages and paths, and errors formatted each way.
import { createSync } from 'nango';
import { z } from 'zod';

const Booking = z
    .object({ id: z.string(), from: z.iso.date(), to: z.iso.date(), guests: z.number().int().positive(), rooms: z.number().multipleOf(1) })
    .refine(({ from, to }) => from < to, { message: 'it ends before it begins', path: ['to'] })
    .superRefine(({ guests, rooms }, context) => {
        if (guests < rooms) context.addIssue({ code: 'custom', path: ['rooms'], message: `${rooms} rooms for ${guests}` });
    });
const Stay = z.object({ id: z.string(), nights: z.number() });

const sync = createSync({
    description: 'Bookings that make sense',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Stay },

    exec: async (nango) => {
        const { data } = await nango.get<unknown[]>({ endpoint: '/bookings' });
        for (const item of data) {
            try {
                const { id, from, to } = Booking.parse(item);
                await nango.batchSave([{ id, nights: (Date.parse(to) - Date.parse(from)) / 86_400_000 }], 'Stay');
            } catch (error) {
                if (!(error instanceof z.ZodError)) throw error;
                await nango.log(`${error.name}: ${error.message}`);
                await nango.log(JSON.stringify(z.treeifyError(error)));
                await nango.log(z.prettifyError(error));
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
