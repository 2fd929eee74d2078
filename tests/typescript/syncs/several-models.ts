// Four models from one answer, with one model's ids used by another.
import { createSync } from 'nango';
import { z } from 'zod';

const Team = z.object({ id: z.string(), name: z.string() });
const Player = z.object({ id: z.string(), team: z.string(), position: z.string() });
const Match = z.object({ id: z.string(), home: z.string(), away: z.string(), score: z.string().nullable() });
const Unused = z.object({ id: z.string() });

const sync = createSync({
    description: 'A league',
    version: '3.0.0',
    frequency: 'every day',
    endpoints: [
        { method: 'GET', path: '/league/teams' },
        { method: 'GET', path: '/league/players' },
        { method: 'GET', path: '/league/matches' },
        { method: 'GET', path: '/league/unused' }
    ],
    models: { Team, Player, Match, Unused },

    exec: async (nango) => {
        const { data } = await nango.get({ endpoint: '/league' });
        const teams: z.infer<typeof Team>[] = data.teams.map(({ code, name }: { code: string; name: string }) => ({ id: code, name }));
        await nango.batchSave(teams, 'Team');
        for (const { code, players } of data.teams) {
            await nango.batchSave(players.map(([position, name]: [string, string]) => ({ id: `${code}.${name}`, team: code, position })), 'Player');
        }
        await nango.batchSave(data.matches.map((match: any) => ({ id: `${match.home}-${match.away}`, home: match.home, away: match.away, score: match.goals?.join(':') ?? null })), 'Match');
        await nango.batchSave([], 'Unused');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
