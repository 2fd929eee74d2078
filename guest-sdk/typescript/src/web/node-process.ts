/** `node:process`. */

import { process } from './process.ts';

export const { argv, arch, cwd, emitWarning, env, exit, hrtime, nextTick, pid, platform, uptime, version, versions } =
  process;

export default process;
