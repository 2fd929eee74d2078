// An ActionError: thrown, caught and thrown on, with its payload in the report.
import { createSync } from 'nango';
import { z } from 'zod';

const Row = z.object({ id: z.string() });

const sync = createSync({
    description: 'A sync that says what the user must do',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Row },

    exec: async (nango) => {
        try {
            throw new nango.ActionError({ message: 'please choose a workspace', code: 'no_workspace' });
        } catch (error) {
            const { type, payload } = error as { type: string; payload: { code: string } };
            await nango.batchSave([{ id: `${type} ${payload.code} ${error instanceof Error} ${error instanceof nango.ActionError}` }], 'Row');
            throw error;
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
