// A tree of folders, walked by a function that calls itself.
import { createSync } from 'nango';
import { z } from 'zod';

const Folder = z.object({ id: z.string(), path: z.string(), depth: z.number() });

const sync = createSync({
    description: 'Folders of a drive with their paths',
    version: '1.0.0',
    frequency: 'every day',
    models: { Folder },

    exec: async (nango) => {
        const walk = async (id: string, path: string, depth: number): Promise<number> => {
            const { data } = await nango.get<{ children: { id: string; name: string }[] }>({ endpoint: `/drive/${id}/children` });
            const folders = data.children.map((child) => ({ id: child.id, path: `${path}/${child.name}`, depth }));
            await nango.batchSave(folders, 'Folder');
            let deepest = depth;
            for (const folder of folders) {
                deepest = Math.max(deepest, await walk(folder.id, folder.path, depth + 1));
            }
            return deepest;
        };
        await nango.log(`depth ${await walk('root', '', 0)}`);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
