// Things thrown that are no errors: caught by their value, and the last one ends the run.
import { createSync } from 'nango';
import { z } from 'zod';

const Thrown = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'A sync that throws what it likes',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Thrown },

    exec: async (nango) => {
        for (const [id, value] of Object.entries({ text: 'words', number: 5, object: { code: 'E1' }, nothing: null })) {
            try {
                throw value;
            } catch (caught) {
                await nango.batchSave([{ id, value: caught }], 'Thrown');
            }
        }
        const kinds = [new TypeError('t'), new RangeError('r'), new SyntaxError('s'), new URIError('u'), new AggregateError([new Error('a')], 'many')];
        await nango.batchSave(kinds.map((error) => ({ id: error.name, value: [error.message, error instanceof Error, String(error)] })), 'Thrown');
        throw 'out of stock';
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
