// Active ones are saved and archived ones deleted, page by page.
import { createSync } from 'nango';
import { z } from 'zod';

const Deal = z.object({ id: z.string(), name: z.string() });

const sync = createSync({
    description: 'Deals without the archived ones',
    version: '1.0.0',
    frequency: 'every hour',
    checkpoint: z.object({ since: z.string() }),
    models: { Deal },

    exec: async (nango) => {
        const since = (await nango.getCheckpoint())?.since ?? '';
        let latest = since;
        for await (const page of nango.paginate<{ id: number; name: string; archived_at: string | null; updated_at: string }>({
            endpoint: '/deals',
            params: { since },
            paginate: { type: 'cursor', cursor_path_in_response: 'next', cursor_name_in_request: 'next', response_path: 'deals' }
        })) {
            const [archived, active] = partition(page, ({ archived_at }) => archived_at !== null);
            if (active.length) await nango.batchSave(active.map(({ id, name }) => ({ id: String(id), name })), 'Deal');
            if (archived.length) await nango.batchDelete(archived.map(({ id }) => ({ id: String(id) })), 'Deal');
            latest = page.reduce((max, { updated_at }) => (updated_at > max ? updated_at : max), latest);
        }
        await nango.saveCheckpoint({ since: latest });
    }
});

function partition<T>(items: T[], test: (item: T) => boolean): [T[], T[]] {
    const yes: T[] = [];
    const no: T[] = [];
    for (const item of items) (test(item) ? yes : no).push(item);
    return [yes, no];
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
