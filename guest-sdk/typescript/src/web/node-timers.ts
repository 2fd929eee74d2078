/** `node:timers`. */

import * as promises from './node-timers-promises.ts';
import { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from './timers.ts';

export { clearImmediate, clearInterval, clearTimeout, promises, setImmediate, setInterval, setTimeout };

export default { clearImmediate, clearInterval, clearTimeout, promises, setImmediate, setInterval, setTimeout };
