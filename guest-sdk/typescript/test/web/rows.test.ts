/** The rows of `rows/`, each against Node's own globals. */

import { testRows } from './rows.ts';

testRows([
  'url.ts', 'encoding.ts', 'number-format.ts', 'date-format.ts', 'text.ts', 'clone.ts', 'crypto.ts',
  'buffer.ts', 'inspect.ts', 'node.ts', 'abort.ts',
]);
