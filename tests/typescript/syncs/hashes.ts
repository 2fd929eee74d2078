// `node:crypto`: hashes and keyed hashes in hex and base64, in pieces, for ids and signatures.
import { createHash, createHmac } from 'crypto';
import { createSync } from 'nango';
import { z } from 'zod';

const Digest = z.object({ id: z.string(), value: z.string() });

const sync = createSync({
    description: 'Rows whose ids are hashes of them',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Digest },

    exec: async (nango) => {
        const { data } = await nango.get<{ rows: string[][]; secret: string }>({ endpoint: '/rows' });
        for (const row of data.rows) {
            const id = createHash('sha256').update(JSON.stringify(row)).digest('hex');
            await nango.batchSave([{ id, value: row.join() }], 'Digest');
        }
        const pieces = createHash('sha1').update('a').update('ü', 'utf8').update(Buffer.from([1, 2]));
        const signature = createHmac('sha256', data.secret).update('GET\n/rows\n').digest('base64');
        await nango.batchSave([
            { id: 'pieces', value: pieces.digest('hex') },
            { id: 'md5', value: createHash('md5').update('x').digest('base64') },
            { id: 'sha512', value: createHash('sha512').update('').digest('hex') },
            { id: 'hmac', value: createHmac('sha1', Buffer.from('key')).update('text').digest('hex') },
            { id: 'short', value: createHash('md5').update('tide').digest('hex').slice(0, 8) }
        ], 'Digest');
        await nango.get({ endpoint: '/signed', headers: { 'X-Signature': signature } });
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
