// TextEncoder, TextDecoder, typed arrays, DataView, atob and btoa.
import { createSync } from 'nango';
import { z } from 'zod';

const Bytes = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'Texts as bytes',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Bytes },

    exec: async (nango) => {
        const { data } = await nango.get<{ text: string; base64: string }>({ endpoint: '/text' });
        const encoded = new TextEncoder().encode(data.text);
        const view = new DataView(new ArrayBuffer(8));
        view.setFloat64(0, Math.PI);
        const values: Record<string, unknown> = {
            bytes: [...encoded],
            decoded: new TextDecoder().decode(encoded),
            broken: new TextDecoder('utf-8').decode(new Uint8Array([0xe2, 0x82, 0x41])),
            marked: new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])),
            atob: atob(data.base64),
            btoa: btoa('tide\xff'),
            int16: [...new Int16Array(new Uint8Array([1, 2, 3, 4]).buffer)],
            float: [...new Uint8Array(view.buffer)].map((byte) => byte.toString(16)).join(' '),
            clamped: [...Uint8ClampedArray.of(300, -5, 1.5)],
            slice: Array.from(encoded.slice(0, 2)),
            fatal: (() => { try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xff])); return false; } catch (error) { return error instanceof TypeError; } })()
        };
        await nango.batchSave(Object.entries(values).map(([id, value]) => ({ id, value })), 'Bytes');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
