// An Error thrown by the sync with a cause: its words reach the run's report.
import { createSync } from 'nango';
import { z } from 'zod';

const Nothing = z.object({ id: z.string() });

class SettingsError extends Error {
    constructor(
        message: string,
        readonly setting: string
    ) {
        super(message, { cause: new TypeError(`${setting} is not set`) });
        this.name = 'SettingsError';
    }
}

const sync = createSync({
    description: 'A sync that lacks a setting',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Nothing },

    exec: async (nango) => {
        try {
            throw new SettingsError('the workspace is missing', 'workspace');
        } catch (error) {
            if (error instanceof SettingsError && error.cause instanceof Error) {
                await nango.batchSave([{ id: `${error.name}: ${error.cause.name}: ${error.cause.message}` }], 'Nothing');
                throw new Error(`cannot go on: ${error.message} (${error.setting})`, { cause: error });
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
