// Helpers in other files: named, default and namespace imports with the .js ending, private fields, statics.
import { createSync } from 'nango';
import { z } from 'zod';
import Api, { asked, text } from '../helpers/api.js';
import { plain } from '../helpers/text.js';

const Article = z.object({ id: z.string(), slug: z.string(), body: z.string() });

const sync = createSync({
    description: 'Articles through a client of its own',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Article },

    exec: async (nango) => {
        const api = new Api(nango);
        for (const list of ['Top Stories', 'Älteres & Neues']) {
            const items = await api.list<{ id: number; title: string; html: string }>(list);
            await nango.batchSave(items.map(({ id, title, html }) => ({ id: `${list}/${id}`, slug: text.slug(title), body: plain(html) })), 'Article');
        }
        await nango.log(`${api.calls} calls of ${asked.size} lists`);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
