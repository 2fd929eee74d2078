/**
 * Backfill limit: look only some months back on the first run, and save only what is
 * wanted. For histories of which the app needs the end.
 */
import { sync } from '@tidegate/sdk';
import { z } from 'zod';

/** A person in the address book who is still there. */
const Contact = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  updated_at: z.string(),
  active: z.boolean(),
});

export default sync({
  name: 'recent-contacts',
  version: '1.0.0',
  description: 'Active contacts that changed in the last months.',
  models: { Contact },
  frequency: 'every hour',
  /** Everything that changed before this is saved. */
  checkpoint: z.object({ updated_at: z.string() }),
  /** How far back the first run looks: the app may set it for each connection. */
  metadata: z.object({ months: z.number().int().default(3) }),

  async run(run) {
    const since = run.checkpoint()?.updated_at ?? run.monthsAgo(run.metadata().months).toISOString();
    // What the provider can filter, it filters: a record that never travels costs nothing.
    const contacts = run.paginate('/contacts', {
      query: { limit: 500, since },
      paging: { type: 'cursor', param: 'cursor', next: 'next_cursor', items: 'data' },
      as: Contact,
    });
    for await (const page of contacts) {
      // What it cannot filter is left out here, before it is saved. One that is no longer
      // active may have been saved earlier, so it goes.
      const saved = run.save('Contact', page.filter((contact) => contact.active));
      run.delete('Contact', page.filter((contact) => !contact.active).map((contact) => contact.id));
      run.log.info('saved a page', saved);
      const last = page.at(-1);
      if (last) {
        run.saveCheckpoint({ updated_at: last.updated_at });
      }
    }
  },
});
