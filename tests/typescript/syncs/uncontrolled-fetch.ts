// A request past the proxy to another host: status, headers, JSON and text of a Response.
import { createSync } from 'nango';
import { z } from 'zod';

const Rate = z.object({ id: z.string(), rate: z.number() });
const Note = z.object({ id: z.string(), text: z.string() });

const sync = createSync({
    description: 'Exchange rates from a public host',
    version: '1.0.0',
    frequency: 'every day',
    metadata: z.object({ rates: z.string() }),
    models: { Rate, Note },

    exec: async (nango) => {
        const { rates } = await nango.getMetadata();
        const response = await nango.uncontrolledFetch({ url: new URL('/latest?base=EUR', rates), headers: { accept: 'application/json' } });
        const body = (await response.json()) as { rates: Record<string, number> };
        await nango.batchSave(Object.entries(body.rates).map(([id, rate]) => ({ id, rate })), 'Rate');

        const posted = await nango.uncontrolledFetch({ url: new URL('/echo', rates), method: 'POST', body: JSON.stringify({ a: 1 }), headers: { 'content-type': 'application/json' } });
        const missing = await nango.uncontrolledFetch({ url: new URL('/missing', rates) });
        await nango.batchSave([
            { id: 'echo', text: `${posted.status} ${posted.ok} ${await posted.text()}` },
            { id: 'missing', text: `${missing.status} ${missing.ok} ${missing.headers.get('content-type')}` }
        ], 'Note');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
