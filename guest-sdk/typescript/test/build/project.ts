/**
 * Projects for tests: a folder with files in it, built by the build tool.
 */

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build, type BuildOptions, type BuildReport } from '../../src/build/build.ts';
import { BuildError, format } from '../../src/build/messages.ts';

/** File name -> content. */
export type Files = Record<string, string>;

/** A small sync that builds. */
export const SYNC = `import { createSync } from 'nango';
import { z } from 'zod';

const User = z.object({ id: z.string(), name: z.string() });

export default createSync({
  description: 'Users.',
  version: '1.0.0',
  frequency: 'every hour',
  autoStart: true,
  syncType: 'full',
  models: { User },
  exec: async (nango) => {
    const response = await nango.get({ endpoint: '/users' });
    await nango.batchSave(response.data, 'User');
  },
});
`;

/** Calls `work` with a folder that holds `files`, and removes it. */
export async function withProject<T>(
  files: Files,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tidegate-build-test-')));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds `path` of the project at `folder` into its folder `dist`. */
export function buildIn(
  folder: string,
  path: string,
  options: Partial<BuildOptions> = {},
): Promise<BuildReport> {
  return build({ path: join(folder, path), out: join(folder, 'dist'), check: true, ...options });
}

/** What an author reads who builds `path` of a project with `files`. */
export function told(
  files: Files,
  path: string,
  options: Partial<BuildOptions> = {},
): Promise<string> {
  return withProject(files, async (folder) => {
    try {
      const { problems } = await buildIn(folder, path, options);
      return problems
        .map((each) => format(each, folder))
        .join('\n')
        .replaceAll(folder, '<folder>');
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      return error.problems
        .map((each) => format(each, folder))
        .join('\n')
        .replaceAll(folder, '<folder>');
    }
  });
}
