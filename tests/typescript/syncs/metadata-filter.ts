// Settings of the connection choose what is fetched.
import { createSync } from 'nango';
import { z } from 'zod';

const Task = z.object({ id: z.string(), project: z.string() });
const Settings = z.object({ projects: z.array(z.string()), includeDone: z.boolean().optional(), prefix: z.string().nullable() });

const sync = createSync({
    description: 'Tasks of the chosen projects',
    version: '1.0.0',
    frequency: 'every hour',
    metadata: Settings,
    models: { Task },

    exec: async (nango) => {
        const settings = Settings.parse(await nango.getMetadata());
        for (const project of settings.projects) {
            const { data } = await nango.get<{ id: number; done: boolean }[]>({ endpoint: `/projects/${project}/tasks` });
            const wanted = data.filter(({ done }) => settings.includeDone || !done);
            await nango.batchSave(wanted.map(({ id }) => ({ id: `${settings.prefix ?? ''}${id}`, project })), 'Task');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
