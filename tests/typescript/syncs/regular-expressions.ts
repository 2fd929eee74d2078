// Expressions: named groups, lookbehind, unicode properties, sticky, replacers, `matchAll`, `split`.
import { createSync } from 'nango';
import { z } from 'zod';

const Match = z.object({ id: z.string(), value: z.any() });

const sync = createSync({
    description: 'What is found in texts',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Match },

    exec: async (nango) => {
        const { data } = await nango.get<{ text: string; link: string }>({ endpoint: '/text' });
        const { text, link } = data;
        const sticky = /\d+/y;
        sticky.lastIndex = 4;
        const values: Record<string, unknown> = {
            groups: /(?<year>\d{4})-(?<month>\d\d)/.exec(text)?.groups,
            lookbehind: text.match(/(?<=€)\d+(\.\d+)?/g),
            lookahead: text.match(/\b\w+(?=!)/g),
            property: text.match(/\p{Lu}\p{Ll}+/gu),
            emoji: text.match(/\p{Emoji_Presentation}/gu),
            all: [...text.matchAll(/#(\w+)/g)].map((match) => [match[1], match.index]),
            replaced: text.replace(/(\d{4})-(\d\d)-(\d\d)/g, '$3.$2.$1').replaceAll('!', '?'),
            replacer: text.replace(/[A-Z]\w+/g, (word, offset) => `${word.length}@${offset}`),
            split: text.split(/\s*[,;]\s*/),
            sticky: sticky.exec('abc 123')?.[0] ?? null,
            cursor: link.match(/[?&]cursor=([^&]+)/)?.[1],
            flags: [/a/gimsuy.flags, /^b$/m.test('a\nb'), /a.b/s.test('a\nb')],
            backreference: /(\w)\1/.exec('hello')?.[0],
            search: text.search(/due/i)
        };
        await nango.batchSave(Object.entries(values).map(([id, value]) => ({ id, value: value ?? null })), 'Match');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
