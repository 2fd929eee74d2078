/**
 * Full refresh: fetch everything each time. For small lists, and for providers that cannot
 * say what changed.
 */
import { sync } from '@tidegate/sdk';
import { z } from 'zod';

/** A member of the workspace. */
const User = z.object({
  id: z.string(),
  name: z.string(),
  real_name: z.string().nullable(),
});

export default sync({
  name: 'users',
  version: '1.0.0',
  description: 'All members of the workspace, fetched whole each hour.',
  models: { User },
  frequency: 'every hour',
  trackDeletes: true, // what a run does not save has been removed at the provider

  async run(run) {
    const users = run.paginate('/users', {
      query: { limit: 200 },
      paging: { type: 'cursor', param: 'cursor', next: 'response_metadata.next_cursor', items: 'members' },
      as: User,
    });
    for await (const page of users) {
      const saved = run.save('User', page); // one page in memory, whatever their number
      run.log.info('saved a page', saved);
    }
  },
});
