// Lines of the log: levels, objects, values beside the message, old names of levels.
import { createSync } from 'nango';
import { z } from 'zod';

const Row = z.object({ id: z.string() });

const sync = createSync({
    description: 'A talkative sync',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Row },

    exec: async (nango) => {
        await nango.log('plain');
        await nango.log('debug', { level: 'debug' });
        await nango.log('info', { level: 'info' });
        await nango.log('warn', { level: 'warn' });
        await nango.log('error', { level: 'error' });
        await nango.log('with a value', { count: 3 });
        await nango.log('with a value and a level', { count: 3 }, { level: 'warn' });
        await nango.log({ an: 'object', list: [1, 2] });
        await nango.log('');
        await nango.log('ünïcode 🌊\nsecond line');
        await nango.log(42);
        await nango.batchSave([{ id: '1' }], 'Row');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
