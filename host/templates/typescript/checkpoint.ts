// Checkpoint: fetch what changed since the last page that was saved. For large sets of a
// provider that can filter and sort by the date of change.

import { sync } from '@tidegate/sdk';
import { z } from 'zod';

/** What the app gets of each contact: a field that is not named here is left out. */
const Contact = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  updated_at: z.string(),
});

export default sync({
  version: '1.0.0',
  description: 'The address book, as it changes.',
  frequency: 'every hour',
  models: { Contact },
  checkpoint: z.object({ updated_at: z.string() }), // everything that changed before is saved

  async run(run) {
    // None on the first run, which fetches everything. The provider sorts by date of
    // change, oldest first, and its `since` is inclusive: of contacts with the same date,
    // those saved before come again as unchanged, and none is left out.
    const since = run.checkpoint()?.updated_at;
    const pages = run.paginate('/contacts', {
      query: { limit: 500, since },
      paging: { type: 'cursor', param: 'cursor', next: 'next_cursor', items: 'data' },
      as: Contact,
    });
    for await (const contacts of pages) {
      const saved = run.save('Contact', contacts);
      // After the save, never before it: whatever happens next, a run goes on from here.
      const last = contacts.at(-1);
      if (last !== undefined) {
        run.saveCheckpoint({ updated_at: last.updated_at });
        run.log.info(`saved up to ${last.updated_at}`, saved);
      }
    }
  },
});
