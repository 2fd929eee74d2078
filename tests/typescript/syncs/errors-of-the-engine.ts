// Errors that the engine itself raises, caught and told apart by their class.
import { createSync } from 'nango';
import { z } from 'zod';

const Caught = z.object({ id: z.string(), name: z.string() });

const sync = createSync({
    description: 'Slips that are caught',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Caught },

    exec: async (nango) => {
        const slips: Record<string, () => unknown> = {
            property: () => (undefined as any).x,
            call: () => ({} as any).run(),
            json: () => JSON.parse('{"a":'),
            date: () => new Date('x').toISOString(),
            length: () => new Array(-1),
            repeat: () => 'x'.repeat(-1),
            radix: () => (1).toString(1),
            uri: () => decodeURIComponent('%'),
            constant: () => (Object.freeze([1]) as number[]).push(2),
            bigint: () => BigInt(1.5),
            mixed: () => (1n as any) + 1,
            circular: () => { const a: any = {}; a.a = a; return JSON.stringify(a); },
            regex: () => new RegExp('('),
            symbol: () => `${Symbol('s') as any}`,
            iterate: () => [...(5 as any)],
            undefinedName: () => (globalThis as any).missing()
        };
        for (const [id, slip] of Object.entries(slips)) {
            try {
                slip();
                await nango.batchSave([{ id, name: 'none' }], 'Caught');
            } catch (error) {
                await nango.batchSave([{ id, name: (error as Error).constructor.name }], 'Caught');
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
