/**
 * Types of Nango's API, checked by `npm run check`: what must compile does, and a row with
 * `@ts-expect-error` must not. Nothing here is run.
 */
import * as z from 'zod';
import { createAction, createOnEvent, createSync } from '../../src/guest/nango.ts';
import type { AxiosResponse, CreateSyncProps, CreateSyncResponse, NangoAction, NangoSync, ProxyConfiguration } from '../../src/guest/nango.ts';

/** Compiles only if the two types are one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <T extends true>(_: T | 'same'): void => undefined;

const Issue = z.object({ id: z.string(), title: z.string(), state: z.enum(['open', 'closed']), body: z.string().nullable().optional() });
const Label = z.object({ id: z.string(), color: z.string() }).passthrough();
const Metadata = z.object({ repo: z.string(), limit: z.number().optional() });
const Checkpoint = z.object({ since: z.string(), page: z.number() });
type Issue = z.infer<typeof Issue>;

const sync = createSync({
  description: 'Issues.',
  version: '1.0.0',
  endpoints: [{ method: 'GET', path: '/issues', group: 'Issues' }],
  frequency: 'every hour',
  autoStart: false,
  syncType: 'full',
  trackDeletes: true,
  scopes: ['repo'],
  models: { Issue, Label },
  metadata: Metadata,
  checkpoint: Checkpoint,
  exec: async (nango) => {
    const metadata = await nango.getMetadata();
    same<Same<typeof metadata, { repo: string; limit?: number | undefined }>>('same');
    const typed = await nango.getMetadata<{ other: string }>();
    same<Same<typeof typed, { other: string }>>('same');

    const checkpoint = await nango.getCheckpoint();
    same<Same<typeof checkpoint, { since: string; page: number } | null>>('same');
    await nango.saveCheckpoint({ since: '2026', page: 1 });
    // @ts-expect-error -- a field is missing
    await nango.saveCheckpoint({ since: '2026' });
    // @ts-expect-error -- a field has another type
    await nango.saveCheckpoint({ since: 2026, page: 1 });
    await nango.updateMetadata({ limit: 1 });
    // @ts-expect-error -- no such field
    await nango.updateMetadata({ limits: 1 });
    // @ts-expect-error -- all of it, to replace it
    await nango.setMetadata({ limit: 1 });

    const issues: Issue[] = [{ id: '1', title: 'x', state: 'open' }];
    await nango.batchSave(issues, 'Issue');
    await nango.batchSave<Issue>(issues, 'Issue');
    await nango.batchSave(issues.map(({ id }) => ({ id, title: 'x', state: 'open' })), 'Issue');
    await nango.batchSave([{ id: '1', title: 'x', state: 'closed', more: 1 }], 'Issue');
    await nango.batchSave([], 'Issue');
    await nango.batchSave([{ id: '1', color: 'red', more: 1 }], 'Label');
    // @ts-expect-error -- no such model
    await nango.batchSave(issues, 'Issues');
    // @ts-expect-error -- no id
    await nango.batchSave([{ title: 'x', state: 'open' }], 'Issue');
    // @ts-expect-error -- a field that can never be a text
    await nango.batchSave([{ id: '1', title: 7, state: 'open' }], 'Issue');
    // @ts-expect-error -- a required field is missing
    await nango.batchSave([{ id: '1', state: 'open' }], 'Issue');
    // @ts-expect-error -- a record of another model
    await nango.batchSave([{ id: '1', color: 'red' }], 'Issue');

    await nango.batchUpdate([{ id: '1', title: 'y' }], 'Issue');
    await nango.batchUpdate<Issue>([{ id: '1', title: 'y' }], 'Issue');
    // @ts-expect-error -- a field that can never be a text
    await nango.batchUpdate([{ id: '1', title: 7 }], 'Issue');
    await nango.batchDelete([{ id: '1' }, { id: '2' }], 'Issue');
    await nango.batchDelete<Issue>([{ id: '1' }], 'Issue');
    // @ts-expect-error -- no id
    await nango.batchDelete([{ title: 'x' }], 'Issue');
    // @ts-expect-error -- no such model
    await nango.trackDeletesStart('Issues');
    const { deletedKeys } = await nango.trackDeletesEnd('Issue');
    same<Same<typeof deletedKeys, string[]>>('same');

    const found = await nango.getRecordsByIds(['1', '2'], 'Issue');
    same<Same<typeof found, Map<string, Issue>>>('same');
    for await (const record of nango.listRecords('Label')) same<Same<typeof record, z.infer<typeof Label>>>('same');
    for await (const record of nango.listRecords<Issue>('Issue')) same<Same<typeof record, Issue>>('same');

    const config: ProxyConfiguration = {
      endpoint: '/issues',
      params: { state: 'all', per_page: 100, labels: ['a', 'b'] },
      headers: { accept: 'application/json' },
      retries: 3,
      paginate: { type: 'link', link_rel_in_response_header: 'next', limit_name_in_request: 'per_page', limit: 100, response_path: 'items' },
    };
    for await (const page of nango.paginate<{ id: number }>(config)) same<Same<typeof page, { id: number }[]>>('same');
    for await (const page of nango.paginate({ ...config, paginate: { type: 'cursor', on_page: async ({ nextPageParam, response }) => void [nextPageParam, response.status] } })) {
      page[0].anything.goes;
    }
    // @ts-expect-error -- no such way of paging
    nango.paginate({ endpoint: '/x', paginate: { type: 'magic' } });
    // @ts-expect-error -- no endpoint
    await nango.get({ params: {} });
    const response = await nango.get<{ a: number }>({ endpoint: '/x' });
    same<Same<typeof response, AxiosResponse<{ a: number }>>>('same');
    const { data } = await nango.post({ endpoint: '/x', data: { a: 1 } });
    data.anything.goes;

    await nango.log('a', { level: 'warn' });
    await nango.log('a', { count: 1 });
    await nango.log('a', { count: 1 }, { level: 'error' });
    await nango.log({ any: 'thing' });
    nango.setLogger({ level: 'debug' });
    // @ts-expect-error -- no such level
    nango.setLogger({ level: 'loud' });
    throw new nango.ActionError({ type: 'x', message: 'y' });
  },
});

// What modules of Nango's users export, and hand to their helpers.
export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;

async function helper(nango: NangoSyncLocal, since?: string): Promise<Issue[]> {
  const metadata = await nango.getMetadata();
  const issues: Issue[] = (await nango.get({ endpoint: `/${metadata.repo}/${since}` })).data;
  await nango.batchSave(issues, 'Issue');
  return issues;
}

async function anyHelper(nango: NangoSync): Promise<void> {
  const metadata = await nango.getMetadata();
  metadata.whatever;
  await nango.batchSave([{ id: '1', what: 'ever' }], 'Whatever');
  await nango.saveCheckpoint({ what: 'ever' });
}

async function actionHelper(nango: NangoAction): Promise<void> {
  await nango.get({ endpoint: '/x' });
}

const plain = createSync({
  description: 'No checkpoint, no metadata.',
  frequency: 'every day',
  models: { Issue },
  exec: async (nango) => {
    await helper(nango as unknown as NangoSyncLocal);
    await anyHelper(nango);
    await actionHelper(nango);
    const found: { team: string } = await nango.getMetadata();
    void found;
  },
});
void plain;

const withHelpers = createSync({
  description: 'Helpers of any kind take the object.',
  frequency: 'every day',
  models: { Issue, Label },
  metadata: Metadata,
  checkpoint: Checkpoint,
  exec: async (nango) => {
    await helper(nango);
    await anyHelper(nango);
    await actionHelper(nango);
  },
});
const response: CreateSyncResponse<{ Issue: typeof Issue; Label: typeof Label }, typeof Metadata, typeof Checkpoint> = withHelpers;
const props: CreateSyncProps<{ Issue: typeof Issue; Label: typeof Label }, typeof Metadata, typeof Checkpoint> = withHelpers;
void [response, props];

// @ts-expect-error -- a model without an id
createSync({ description: 'x', frequency: 'every day', models: { Bad: z.object({ name: z.string() }) }, exec: () => undefined });
// @ts-expect-error -- a model that is no object
createSync({ description: 'x', frequency: 'every day', models: { Bad: z.string() }, exec: () => undefined });
// @ts-expect-error -- no frequency
createSync({ description: 'x', models: { Issue }, exec: () => undefined });
// @ts-expect-error -- a type of sync that there is not
createSync({ description: 'x', frequency: 'every day', syncType: 'ful', models: { Issue }, exec: () => undefined });

createAction({
  description: 'x',
  input: z.object({ title: z.string() }),
  output: z.object({ id: z.string() }),
  exec: async (nango, input) => {
    await nango.post({ endpoint: '/issues', data: { title: input.title } });
    return { id: '1' };
  },
});
createOnEvent({ description: 'x', event: 'post-connection-creation', exec: async (nango) => void (await nango.getConnection()) });

// Whatever kind of object a model is, and whatever kind of text or number its id.
createSync({
  description: 'x',
  frequency: 'every day',
  models: {
    Loose: z.looseObject({ id: z.string() }),
    Strict: z.strictObject({ id: z.uuid(), n: z.number().default(1) }),
    Rest: z.object({ id: z.string().min(1) }).catchall(z.unknown()),
    Refined: z.object({ id: z.string(), a: z.string() }).refine(({ a }) => a !== ''),
    Extended: Issue.extend({ more: z.array(z.string()) }).omit({ body: true }).partial({ title: true }),
    Numbered: z.object({ id: z.number() }),
    Either: z.object({ id: z.union([z.string(), z.number()]) }),
    Coerced: z.object({ id: z.coerce.string() }),
    Branded: z.object({ id: z.string().brand('Id') }),
    Fixed: z.object({ id: z.literal('only') }),
    Piped: z.object({ id: z.string().transform((id) => id.toUpperCase()) }),
    Kinds: z.object({ id: z.enum(['a', 'b']), when: z.date(), any: z.any(), nested: z.object({ list: z.array(Issue) }).nullable() }),
  },
  exec: async (nango) => {
    await nango.batchSave([{ id: 1 }], 'Numbered');
    await nango.batchSave([{ id: 'x', n: 2 }], 'Strict');
    await nango.batchSave([{ id: 'a', when: new Date(), any: 1, nested: null }], 'Kinds');
    await nango.batchSave([{ id: 'x' }, { id: 2 }], 'Either');
    // @ts-expect-error -- its ids are numbers
    await nango.batchSave([{ id: 'x' }], 'Numbered');
    const loose: Record<string, any>[] = [];
    await nango.batchSave(loose as { id: string }[], 'Issue' as 'Loose');
    const anything: any = loose;
    await nango.batchSave(anything, 'Kinds');
    const open: { id: string; [key: string]: unknown }[] = [];
    await nango.batchSave(open, 'Refined');
    interface Own { id: string; more: string[]; state: Issue['state'] }
    const own: Own[] = [];
    await nango.batchSave(own, 'Extended');
    const maybe: { id: string; more?: string[]; state: Issue['state'] | undefined }[] = [];
    await nango.batchSave(maybe, 'Extended');
    for (const name of ['Loose', 'Rest'] as const) await nango.batchSave([{ id: '1' }], name);
  },
});
