/**
 * Checkpoint: fetch what changed since the last page that was saved. For large sets of a
 * provider that can filter and sort by the date of change.
 */
import { sync } from '@tidegate/sdk';
import { z } from 'zod';

/** A person in the address book. */
const Contact = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  company: z.string(),
  active: z.boolean(),
  updated_at: z.string(),
});

export default sync({
  name: 'contacts',
  version: '1.0.0',
  description: 'The address book, as it changes.',
  models: { Contact },
  frequency: 'every hour',
  /** Everything that changed before this is saved. */
  checkpoint: z.object({ updated_at: z.string() }),

  async run(run) {
    // The provider sorts by date of change, oldest first, and `since` is inclusive: of
    // contacts with the same date, those saved before come again as unchanged, and none is
    // left out. On the first run there is no checkpoint, and everything is fetched.
    const contacts = run.paginate('/contacts', {
      query: { limit: 500, since: run.checkpoint()?.updated_at },
      paging: { type: 'cursor', param: 'cursor', next: 'next_cursor', items: 'data' },
      as: Contact,
    });
    for await (const page of contacts) {
      const saved = run.save('Contact', page);
      // After the save, never before it: whatever happens next, a run goes on from here.
      const last = page.at(-1);
      if (last) {
        run.saveCheckpoint({ updated_at: last.updated_at });
        run.log.info(`saved up to ${last.updated_at}`, saved);
      }
    }
  },
});
