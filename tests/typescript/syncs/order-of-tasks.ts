// The order of promises, microtasks and timers, as each engine must have it.
import { createSync } from 'nango';
import { z } from 'zod';

const Trace = z.object({ id: z.string(), steps: z.array(z.string()) });

const sync = createSync({
    description: 'A trace of who comes first',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Trace },

    exec: async (nango) => {
        const steps: string[] = [];
        const later = new Promise<void>((done) => setTimeout(() => { steps.push('timer 20'); done(); }, 20));
        const sooner = new Promise<void>((done) => setTimeout(() => { steps.push('timer 5'); done(); }, 5));
        const cancelled = setTimeout(() => steps.push('never'), 1);
        clearTimeout(cancelled);
        queueMicrotask(() => steps.push('microtask'));
        Promise.resolve().then(() => steps.push('then 1')).then(() => steps.push('then 2'));
        (async () => { steps.push('async begins'); await null; steps.push('async goes on'); })();
        steps.push('in line');
        await sooner;
        await later;
        const race = await Promise.race([new Promise((done) => setTimeout(done, 30, 'slow')), new Promise((done) => setTimeout(done, 1, 'fast'))]);
        steps.push(String(race));
        await nango.batchSave([{ id: 'trace', steps }], 'Trace');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
