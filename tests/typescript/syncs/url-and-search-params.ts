// URL and URLSearchParams: parts, resolution, setters, iteration, encoding, errors.
import { createSync } from 'nango';
import { z } from 'zod';

const Part = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'Links taken apart and put together',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Part },

    exec: async (nango) => {
        const { data } = await nango.get<{ links: string[]; next: string }>({ endpoint: '/links' });
        const parts = data.links.map((link) => {
            try {
                const { href, origin, protocol, host, hostname, port, pathname, search, hash, username } = new URL(link);
                return { id: link, value: { href, origin, protocol, host, hostname, port, pathname, search, hash, username } };
            } catch (error) {
                return { id: link, value: error instanceof TypeError };
            }
        });
        await nango.batchSave(parts, 'Part');
        const url = new URL(data.next);
        url.searchParams.set('page', '2');
        url.searchParams.append('tag', 'a b&c');
        url.searchParams.delete('drop');
        url.pathname += '/more';
        url.hash = '';
        const query = new URLSearchParams([['z', '1'], ['a', 'ü'], ['z', '2']]);
        query.sort();
        const values: Record<string, unknown> = {
            built: url.toString(),
            json: JSON.stringify({ url }),
            resolved: [new URL('../x?y', 'https://a.test/b/c/d').href, new URL('//c.test/e', 'https://a.test').href, new URL('?q', 'https://a.test/b#h').href],
            query: query.toString(),
            all: [query.getAll('z'), query.get('none'), query.has('a'), [...query.keys()], query.size],
            fromObject: new URLSearchParams({ a: '1 2', b: 'x+y', c: '' }).toString(),
            fromText: Object.fromEntries(new URLSearchParams('?a=1%202&b=x+y&c&=e')),
            canParse: [URL.canParse('https://x.test'), URL.canParse('nope')],
            unicode: new URL('https://muenchen.test/straße?ü=ä#ö').href
        };
        await nango.batchSave(Object.entries(values).map(([id, value]) => ({ id, value })), 'Part');
        const page = await nango.get({ endpoint: `${url.pathname}${url.search}` });
        await nango.batchSave([{ id: 'page', value: page.data }], 'Part');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
