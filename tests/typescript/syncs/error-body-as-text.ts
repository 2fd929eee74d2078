// Errors whose body is HTML, empty, or JSON with a text content type.
import { createSync } from 'nango';
import { z } from 'zod';

const Failure = z.object({ id: z.string(), data: z.any(), kind: z.string() });

const sync = createSync({
    description: 'Bodies of failures',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Failure },

    exec: async (nango) => {
        for (const kind of ['html', 'empty', 'mislabelled', 'list']) {
            const failure = await nango.get({ endpoint: `/broken/${kind}` }).then(
                () => null,
                (error) => error.response.data
            );
            await nango.batchSave([{ id: kind, data: failure, kind: typeof failure }], 'Failure');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
