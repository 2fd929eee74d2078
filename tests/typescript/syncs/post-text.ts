// Bodies of text: XML with its content type, a query language, NDJSON.
import { createSync } from 'nango';
import { z } from 'zod';

const Answer = z.object({ id: z.string(), got: z.string() });

const sync = createSync({
    description: 'Requests in formats older than JSON',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Answer },

    exec: async (nango) => {
        const xml = `<?xml version="1.0"?><find><name>Müller &amp; Co</name></find>`;
        const texts: [string, string, string][] = [
            ['xml', 'text/xml', xml],
            ['query', 'application/sparql-query', 'SELECT ?s WHERE { ?s a ?o } LIMIT 5'],
            ['ndjson', 'application/x-ndjson', '{"index":"a"}\n{"query":{}}\n']
        ];
        for (const [id, type, data] of texts) {
            const response = await nango.post({ endpoint: '/text', headers: { 'Content-Type': type }, data });
            await nango.batchSave([{ id, got: response.data }], 'Answer');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
