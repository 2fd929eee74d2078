/** The native API: `sync({ … })`, and the `run` that its function is given. */
import type * as z from 'zod';
import * as checkpoint from './checkpoint.ts';
import * as log from './log.ts';
import * as metadata from './metadata.ts';
import * as records from './records.ts';
import * as facts from './run.ts';
import { type Definition, EXECUTE } from './definition.ts';
import { TidegateError, refused } from './errors.ts';
import { type ItemOptions, type Page, type PageOptions, type Paging, integrationPaging, pages } from './paginate.ts';
import { parse } from './parse.ts';
import { allHeard } from './promises.ts';
import { type RequestOptions, type Response, request } from './request.ts';
import { type CivilDate, type Every, type Window, addMonths, backfill, civilDate, midnight } from './window.ts';

/** A model: a zod object with an `id`, text or number. */
export type Model = z.ZodObject<{ id: z.ZodType<string> | z.ZodType<number> | z.ZodType<string | number> }>;

/** The models of a sync, by name. */
export type Models = Record<string, Model>;

/** The type of a checkpoint or the metadata: that of its schema, `never` without one. */
export type StateOf<Schema> = Schema extends z.ZodObject ? z.output<Schema> : never;

/** What is given where a checkpoint or metadata is saved. */
export type StateInput<Schema> = Schema extends z.ZodObject ? z.input<Schema> : never;

/** What a sync is made of. */
export interface SyncProps<
  M extends Models,
  C extends z.ZodObject | undefined = undefined,
  D extends z.ZodObject | undefined = undefined,
> {
  /** The sync's name: that of its file if nothing is said. */
  name?: string;
  /** Any text; shown beside each run. */
  version?: string;
  /** What it does, in a sentence or two for people. */
  description?: string;
  /** What it saves: a zod object with an `id` for each. */
  models: M;
  /** When it runs: `every hour`, `every 5 minutes`, `cron: 0 6 * * 1` in UTC. Without it, when told to. */
  frequency?: string;
  /** Whether it starts by itself on a new connection: yes if nothing is said. */
  autoStart?: boolean;
  /** Whether each run fetches everything: `full` without a checkpoint, else `incremental`. */
  syncType?: 'full' | 'incremental';
  /** The host deletes what a successful run did not save. For full refreshes. */
  trackDeletes?: boolean;
  /** Where the next run goes on: a flat zod object. */
  checkpoint?: C;
  /** The connection's settings and progress. */
  metadata?: D;
  /** Top-level fields of each model that do not count as a change when they differ. */
  ignore?: { [Name in keyof M]?: (keyof z.output<M[Name]> & string)[] };
  /** Where an app finds the records. */
  endpoints?: { method: string; path: string; group?: string }[];
  /** Scopes that the connection's credentials need. */
  scopes?: string[];
  /** Hosts that it asks to reach beside the connection's own. */
  hosts?: string[];
  /** The memory cap that it asks for, in MiB; at least 2. */
  memory?: number;
  /** What a run does. */
  run: (run: Run<M, C, D>) => Promise<void> | void;
}

/** A sync: what `sync` returns, and a module exports. */
export interface Sync<
  M extends Models = Models,
  C extends z.ZodObject | undefined = z.ZodObject | undefined,
  D extends z.ZodObject | undefined = z.ZodObject | undefined,
>
  extends SyncProps<M, C, D>, Definition {
  type: 'tidegate-sync';
}

/**
 * Defines a sync. Make it the module's default export:
 *
 * ```ts
 * import { sync } from '@tidegate/sdk';
 * import { z } from 'zod';
 *
 * export default sync({
 *   models: { User: z.object({ id: z.string(), name: z.string() }) },
 *   frequency: 'every hour',
 *   trackDeletes: true,
 *   async run(run) {
 *     const paging = { type: 'cursor', param: 'cursor', next: 'response_metadata.next_cursor', items: 'members' } as const;
 *     for await (const users of run.paginate('/users', { query: { limit: 200 }, paging })) run.save('User', users);
 *   },
 * });
 * ```
 */
export function sync<
  M extends Models,
  C extends z.ZodObject | undefined = undefined,
  D extends z.ZodObject | undefined = undefined,
>(props: SyncProps<M, C, D>): Sync<M, C, D> {
  const syncType = props.syncType ?? (props.checkpoint === undefined ? 'full' : 'incremental');
  return { type: 'tidegate-sync', ...props, syncType, [EXECUTE]: execute };
}

async function execute(definition: Sync): Promise<void> {
  await definition.run(new Run(definition) as never);
}

/**
 * One execution for one connection: what a sync's function is given, and the way to
 * everything that it may do. Only requests are promises; all else is done when it returns.
 */
export class Run<
  M extends Models = Models,
  C extends z.ZodObject | undefined = z.ZodObject | undefined,
  D extends z.ZodObject | undefined = z.ZodObject | undefined,
> {
  readonly #props: SyncProps<M, C, D>;

  /** Lines in the run's log, with attributes. */
  readonly log: Logger = log;

  /** Made by the SDK. */
  constructor(props: SyncProps<M, C, D>) {
    this.#props = props;
  }

  /** Sends a `GET` to `url`: absolute, or relative to the connection's base URL. */
  get(url: string, options?: RequestOptions): Promise<Response> {
    return request('GET', url, options);
  }
  /** Sends a `POST`. */
  post(url: string, options?: RequestOptions): Promise<Response> {
    return request('POST', url, options);
  }
  /** Sends a `PUT`. */
  put(url: string, options?: RequestOptions): Promise<Response> {
    return request('PUT', url, options);
  }
  /** Sends a `PATCH`. */
  patch(url: string, options?: RequestOptions): Promise<Response> {
    return request('PATCH', url, options);
  }
  /** Sends a request with any method. A status that is no success is an `HttpError`. */
  request(method: string, url: string, options?: RequestOptions): Promise<Response> {
    return request(method, url, options);
  }

  /** The items of each page. With `as`, each is checked by that schema. */
  paginate<Item extends z.ZodType>(
    url: string,
    options: ItemOptions<Item> & { as: Item },
  ): AsyncGenerator<z.output<Item>[], void, void>;
  // Without a schema an item's type is the author's to say, as with `fetch`.
  paginate<T = any>(url: string, options?: PageOptions): AsyncGenerator<T[], void, void>;
  async *paginate(url: string, options: ItemOptions<z.ZodType> = {}): AsyncGenerator<unknown[], void, void> {
    for await (const page of pages(url, options)) yield page.items;
  }
  /** The pages as they are, for what stands in them beside the items. */
  pages<Item extends z.ZodType>(
    url: string,
    options?: ItemOptions<Item>,
  ): AsyncGenerator<Page<z.output<Item>>, void, void> {
    return pages(url, options ?? {});
  }
  /** How the integration's operator says that its pages are numbered. */
  paging(): Paging {
    return integrationPaging();
  }

  /**
   * Saves records: any number. Each is checked by its model's schema and saved as the
   * schema makes it, so that fields which the model does not name are left out. When it
   * returns, all are durable; of two with one id the later wins.
   */
  save<Name extends keyof M & string>(model: Name, values: Iterable<z.input<M[Name]>>): records.Saved {
    return records.save(model, this.#parsed(model, values));
  }
  /** Merges fields deep into the live records with the same `id`; others are left alone. */
  update<Name extends keyof M & string>(model: Name, patches: Iterable<Patch<z.output<M[Name]>>>): records.Saved {
    return records.update(model, patches as Iterable<object>);
  }
  /** Deletes the live ones of these ids; answers how many there were. */
  delete(model: keyof M & string, ids: Iterable<records.Id>): number {
    return records.remove(model, ids);
  }
  /** The live records with these ids, in their order, `undefined` for those not there. */
  find<Name extends keyof M & string>(model: Name, ids: Iterable<records.Id>): (z.output<M[Name]> | undefined)[] {
    return records.find(model, ids);
  }
  /** All live records, in the order in which they last changed. */
  list<Name extends keyof M & string>(model: Name): Generator<z.output<M[Name]>, void, void> {
    return records.list(model);
  }
  /**
   * Opens a delete pass: what is saved from here on counts as seen, and `finish` deletes
   * the rest. A pass survives interrupted runs: open it at the start of each. (A full
   * refresh that declares `trackDeletes` needs none.)
   */
  deletePass(model: keyof M & string): DeletePass {
    records.startPass(model);
    return { finish: () => records.endPass(model) };
  }
  /** Sets how the saves of this run meet records that are there. */
  merging(model: keyof M & string, strategy: records.MergingStrategy): void {
    records.merging(model, strategy);
  }

  /**
   * The checkpoint, `undefined` on a first run. One that no longer fits the schema is an
   * error: going on from the start in silence would fetch everything again.
   */
  checkpoint(): StateOf<C> | undefined {
    const stored = checkpoint.get();
    if (stored === undefined) return undefined;
    return parse(this.#schema('checkpoint'), stored, (why) => {
      const hint = 'change the schema so that it takes the old form, or reset the sync';
      return new TidegateError('checkpoint.invalid', `The stored checkpoint does not fit: ${why}; ${hint}.`);
    }) as StateOf<C>;
  }
  /** Saves it. When it returns, it and everything saved before it is durable. */
  saveCheckpoint(value: StateInput<C>): void {
    const fail = (why: string) =>
      new TidegateError('checkpoint.invalid', `The checkpoint does not fit its schema: ${why}.`);
    checkpoint.save(parse(this.#schema('checkpoint'), value, fail));
  }
  /** Removes it: the next run starts from the beginning. */
  clearCheckpoint(): void {
    checkpoint.clear();
  }

  /** The metadata as it was written last. */
  metadata(): StateOf<D> {
    const fail = (why: string) =>
      new TidegateError('metadata.invalid', `The connection's metadata does not fit: ${why}; set it and run again.`);
    return parse(this.#schema('metadata'), metadata.get(), fail) as StateOf<D>;
  }
  /** Replaces it, durably, with all that other runs and the app had put there. */
  setMetadata(value: StateInput<D>): void {
    metadata.set(value);
  }
  /** Puts these top-level fields over the present ones, durably. */
  mergeMetadata(fields: Partial<StateInput<D>>): void {
    metadata.merge(fields);
  }

  /**
   * Works through `[from, to)` window by window, oldest first, and answers where it ended:
   * from there on, fetch what is new. `work` fetches and saves one window and returns the
   * checkpoint that is right once it is complete (nothing for a sync without one). A run
   * that ends in the middle is gone on with; a backfill that is complete answers at once.
   * `from` and `to` count when it starts.
   */
  async backfill(
    from: CivilDate | Date,
    to: CivilDate | Date,
    every: Every,
    work: (window: Window) => Promise<StateInput<C> | void> | StateInput<C> | void,
  ): Promise<Date> {
    let next: StateInput<C> | void;
    const each = async (window: Window, done: number, total: number) => {
      facts.progress(`${window.from} to ${window.to}`, done, total);
      next = await work(window);
    };
    return backfill(from, to, every, each, () => {
      if (next !== undefined) this.saveCheckpoint(next);
    });
  }

  /** The run's id. */
  get id(): string {
    return facts.id();
  }
  /** The app's id of the connection. */
  get connectionId(): string {
    return facts.connectionId();
  }
  /** The integration that the connection belongs to. */
  get integration(): string {
    return facts.integration();
  }
  /** The sync's name. */
  get syncName(): string {
    return facts.syncName();
  }
  /** The variant, `base` for the plain one. */
  get variant(): string {
    return facts.variant();
  }
  /** Why it was started. */
  get trigger(): facts.Trigger {
    return facts.trigger();
  }
  /** 1, or one more than the execution that this one continues. */
  get attempt(): number {
    return facts.attempt();
  }
  /** When it started. */
  get startedAt(): Date {
    return facts.startedAt();
  }
  /** When it is ended at the latest. */
  get deadline(): Date {
    return facts.deadline();
  }
  /** The day on which it started, in UTC. */
  get today(): CivilDate {
    return civilDate(this.startedAt);
  }
  /** Midnight UTC of the day that lies so many months before {@link today}. */
  monthsAgo(months: number): Date {
    return midnight(addMonths(this.today, -months));
  }
  /** The memory in use and the cap. */
  get memory(): facts.Memory {
    return facts.memory();
  }
  /** The connection's configuration, which the operator sets. */
  config<Schema extends z.ZodType>(schema: Schema): z.output<Schema>;
  config<T = Record<string, unknown>>(): T;
  config(schema?: z.ZodType): unknown {
    const config = facts.config();
    if (schema === undefined) return config;
    return parse(schema, config, (why) => refused(`The connection's configuration does not fit: ${why}.`));
  }
  /** Waits, without using CPU. */
  sleep(milliseconds: number): void {
    facts.sleep(milliseconds);
  }
  /** Says how far the run is, for progress bars. */
  progress(message: string, done: number, total?: number): void {
    facts.progress(message, done, total);
  }

  *#parsed(model: string, values: Iterable<unknown>): Generator<object> {
    const schema = this.#props.models[model];
    let index = 0;
    for (const value of values) {
      const at = index++;
      const fail = (why: string) =>
        new TidegateError('record.schema', `Record ${at}${idOf(value)} of \`${model}\` does not fit: ${why}.`);
      // An unknown model is the host's to refuse: it names those that there are.
      yield (schema === undefined ? value : parse(schema, value, fail)) as object;
    }
  }

  #schema(key: 'checkpoint' | 'metadata'): z.ZodObject {
    const schema = this.#props[key];
    if (schema !== undefined) return schema;
    throw refused(`The sync declares no \`${key}\`; add \`${key}: z.object({ … })\` to it.`);
  }
}

allHeard(Run);

/** Lines in the run's log: `run.log.info('saved a page', { page, users })`. */
export interface Logger {
  /** A line for the author at work. */
  debug(message: string, attributes?: object): void;
  /** A line about progress. */
  info(message: string, attributes?: object): void;
  /** A line that the author should look at. */
  warn(message: string, attributes?: object): void;
  /** A line about something that went wrong. */
  error(message: string, attributes?: object): void;
}

/** A record's id with what changes. */
export type Patch<T> = Pick<T, Extract<'id', keyof T>> & { [Key in keyof T]?: DeepPartial<T[Key]> };

/** The same type with every field optional, all the way down. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]?: DeepPartial<T[Key]> }
    : T;

/** A delete pass under way. Left without `finish`, it deletes nothing; the next run may go on with it. */
export interface DeletePass {
  /** Closes the pass and deletes what it has not seen; answers at most 10,000 of the ids. */
  finish(): string[];
}

function idOf(value: unknown): string {
  const id = typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : undefined;
  return typeof id === 'string' || typeof id === 'number' ? ` (id ${JSON.stringify(id)})` : '';
}
