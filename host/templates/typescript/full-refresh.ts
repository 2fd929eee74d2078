// Full refresh: fetch everything each time. For small lists, and for providers that cannot
// say what changed.

import { sync } from '@tidegate/sdk';
import { z } from 'zod';

/** What the app gets of each user: a field that is not named here is left out. */
const User = z.object({
  id: z.string(),
  name: z.string(),
  real_name: z.string().nullish(),
});

export default sync({
  version: '1.0.0',
  description: 'All members of the workspace, fetched whole each hour.',
  frequency: 'every hour',
  models: { User },
  trackDeletes: true, // what a run does not save has been removed at the provider

  async run(run) {
    const pages = run.paginate('/users', {
      query: { limit: 200 },
      paging: { type: 'cursor', param: 'cursor', next: 'response_metadata.next_cursor', items: 'members' },
    });
    for await (const users of pages) {
      const saved = run.save('User', users); // one page in memory, whatever their number
      run.log.info('saved a page', saved);
    }
  },
});
