// Buffer: base64 and hex both ways, byte lengths, concatenation, comparison, `isBuffer`.
import { createSync } from 'nango';
import { z } from 'zod';

const Bytes = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'Attachments in base64',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Bytes },

    exec: async (nango) => {
        const { data } = await nango.get<{ content: string; urlsafe: string }>({ endpoint: '/attachment' });
        const content = Buffer.from(data.content, 'base64');
        const values: Record<string, unknown> = {
            text: content.toString('utf8'),
            hex: content.toString('hex'),
            again: Buffer.from(content.toString(), 'utf-8').toString('base64'),
            credentials: Buffer.from('user:pässword').toString('base64'),
            urlsafe: Buffer.from(data.urlsafe, 'base64').toString(),
            base64url: Buffer.from('??>>ÿ').toString('base64url'),
            length: [content.length, Buffer.byteLength('ü🌊'), content.byteLength],
            concat: Buffer.concat([Buffer.from('a'), Buffer.alloc(2, 'b'), Buffer.from([99, 100])]).toString(),
            slice: content.subarray(1, 4).toString('latin1'),
            compare: [Buffer.isBuffer(content), Buffer.isBuffer('x'), content.equals(Buffer.from(content)), Buffer.from('a').compare(Buffer.from('b'))],
            numbers: [...Buffer.from('AZ')],
            json: JSON.parse(JSON.stringify(Buffer.from('hi'))),
            invalid: Buffer.from([0xff, 0xfe, 0x41]).toString('utf8')
        };
        await nango.batchSave(Object.entries(values).map(([id, value]) => ({ id, value })), 'Bytes');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
