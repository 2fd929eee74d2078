/** Runs a bundle on Node in a worker of its own: some of our modules change prototypes. */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** The first message that `text`, a bundle, posts to its parent. The time zone is UTC. */
export async function messageOf(text: string): Promise<unknown> {
  const path = join(tmpdir(), `tidegate-web-${randomUUID()}.mjs`);
  await writeFile(path, text);
  try {
    const [message] = await once(new Worker(path, { env: { TZ: 'UTC' } }), 'message');
    return message;
  } finally {
    await rm(path);
  }
}
