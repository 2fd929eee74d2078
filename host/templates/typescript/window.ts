// Window: go through years month by month, then on to what is new. For histories too large
// for one run, of a provider that can filter by date.

import { sync, type CivilDate } from '@tidegate/sdk';
import { z } from 'zod';

/** What the app gets of each contact: a field that is not named here is left out. */
const Contact = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  updated_at: z.string(),
});

/** The first day that is wanted. */
const FROM: CivilDate = '2024-01-01';

export default sync({
  version: '1.0.0',
  description: 'The address book with its history, and then as it changes.',
  frequency: 'every hour',
  models: { Contact },
  checkpoint: z.object({ since: z.string() }), // everything that changed before is saved
  metadata: z.object({}), // the progress stands in it

  async run(run) {
    // The date of the newest contact that is saved.
    let newest = run.checkpoint()?.since;

    const save = async (query: { since: string; until?: string }) => {
      const pages = run.paginate('/contacts', {
        query: { limit: 500, ...query },
        paging: { type: 'cursor', param: 'cursor', next: 'next_cursor', items: 'data' },
        as: Contact,
      });
      for await (const contacts of pages) {
        run.save('Contact', contacts);
        newest = contacts.at(-1)?.updated_at ?? newest; // the oldest come first
      }
    };

    // Each month is recorded once it is complete: a run that is ended goes on with the
    // month it was in, and once all are complete this answers at once.
    const end = await run.backfill(FROM, run.today, { months: 1 }, async (month) => {
      // The provider's `until` is inclusive, the end of a window is not.
      await save({ since: month.since.toISOString(), until: month.lastSecond.toISOString() });
      return { since: newest ?? month.since.toISOString() };
    });

    // From then on, what is new.
    await save({ since: newest ?? end.toISOString() });
    run.saveCheckpoint({ since: newest ?? end.toISOString() });
  },
});
