// What a sync may read of an error: status, message, code, data, headers, and what is thrown is an Error.
import { createSync } from 'nango';
import { z } from 'zod';

const Failure = z.object({
    id: z.string(),
    name: z.string(),
    message: z.string(),
    code: z.string().optional(),
    status: z.number().optional(),
    data: z.any(),
    header: z.string().optional(),
    isError: z.boolean(),
    isAxiosError: z.boolean(),
    ownStatus: z.number().optional()
});

const sync = createSync({
    description: 'Failures as they arrive',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Failure },

    exec: async (nango) => {
        for (const status of [400, 403, 404, 409, 422, 500]) {
            try {
                await nango.get({ endpoint: `/fail/${status}` });
            } catch (error: any) {
                await nango.batchSave([{
                    id: String(status),
                    name: error.name,
                    message: error.message,
                    code: error.code,
                    status: error.response?.status,
                    data: error.response?.data,
                    header: error.response?.headers?.['x-request-id'],
                    isError: error instanceof Error,
                    isAxiosError: error.isAxiosError === true,
                    ownStatus: error.status
                }], 'Failure');
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
