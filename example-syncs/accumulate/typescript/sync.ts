/**
 * The anti-pattern: every page is held in memory before the first save. It passes every
 * test and fails at the first large customer. `checkpoint`, beside it, is the cure.
 */
import { sync } from '@tidegate/sdk';
import { z } from 'zod';

/** A person in the address book. */
const Contact = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  updated_at: z.string(),
});

export default sync({
  name: 'accumulated-contacts',
  version: '1.0.0',
  description: 'How not to do it: memory grows with the number of contacts.',
  models: { Contact },
  frequency: 'every hour',
  /** Everything that changed before this is saved. */
  checkpoint: z.object({ updated_at: z.string() }),

  async run(run) {
    const pages = run.paginate<z.infer<typeof Contact>>('/contacts', {
      query: { limit: 500, since: run.checkpoint()?.updated_at },
      paging: { type: 'cursor', param: 'cursor', next: 'next_cursor', items: 'data' },
    });

    const contacts: z.infer<typeof Contact>[] = [];
    for await (const page of pages) {
      contacts.push(...page); // every field of every record, and none is let go
      run.log.info(`collected ${contacts.length} contacts`);
    }

    // Until here nothing is safe: a run that ends sooner has fetched all that for nothing.
    run.save('Contact', contacts);
    const last = contacts.at(-1);
    if (last) {
      run.saveCheckpoint({ updated_at: last.updated_at });
    }
  },
});
