// A full list with a delete pass: what is gone from it is deleted, what comes back is there again.
import { createSync } from 'nango';
import { z } from 'zod';

const Employee = z.object({ id: z.string(), name: z.string(), manager: z.string().nullable() });

const sync = createSync({
    description: 'Employees, with those who left',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'full',
    models: { Employee },

    exec: async (nango) => {
        await nango.trackDeletesStart('Employee');
        for await (const page of nango.paginate<{ no: number; name: string; boss?: number }>({
            endpoint: '/employees',
            paginate: { type: 'offset', offset_name_in_request: 'offset', limit_name_in_request: 'limit', limit: 5 }
        })) {
            await nango.batchSave(page.map(({ no, name, boss }) => ({ id: String(no), name, manager: boss === undefined ? null : String(boss) })), 'Employee');
        }
        await nango.trackDeletesEnd('Employee');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
