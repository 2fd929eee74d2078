/** `createSync` and its kin: definitions as syncs written for Nango have them. */
import type * as z from 'zod';
import { type Definition, EXECUTE } from '../definition.ts';
import { startPass } from '../records.ts';
import type { NangoAction, NangoSync } from './nango.ts';
import type { MaybePromise, ZodCheckpoint, ZodMetadata, ZodModel } from './schema.ts';
import { type SyncParts, nangoOf } from './sdk.ts';

/** Where an app finds the records. */
export interface Endpoint {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  path: string;
  group?: string | undefined;
}

/** What a sync is made of. */
export interface CreateSyncProps<
  TModels extends Record<string, ZodModel>,
  TMetadata extends ZodMetadata = never,
  TCheckpoint extends ZodCheckpoint = never,
> {
  /** Any text; shown beside each run. `0.0.1` if nothing is said. */
  version?: string;
  /** What it does, in a sentence or two for people. */
  description: string;
  /** Where an app finds the records. */
  endpoints?: Endpoint[];
  /** How often it runs: `every hour`, `every 5 minutes`, … */
  frequency: string;
  /** What it saves: a zod object with an `id` for each. */
  models: TModels;
  /** Whether each run fetches everything (`full`, the default) or what changed. */
  syncType?: 'full' | 'incremental';
  /** Whether what a successful run did not save is deleted. */
  trackDeletes?: boolean;
  /** Whether it starts by itself on a new connection: yes if nothing is said. */
  autoStart?: boolean;
  /** Scopes that the connection's credentials need. */
  scopes?: string[];
  /** The connection's metadata. */
  metadata?: TMetadata;
  /** Where the next run goes on: strings, numbers and booleans. */
  checkpoint?: TCheckpoint;
  /** Not used: a sync gets no webhooks. */
  webhookSubscriptions?: string[];
  /** What a run does. */
  exec: (nango: NangoSync<TModels, TMetadata, TCheckpoint>) => MaybePromise<void>;
  /** Never called: a sync gets no webhooks. */
  onWebhook?: (nango: NangoSync<TModels, TMetadata, TCheckpoint>, payload: any) => MaybePromise<void>;
}

/** What `createSync` returns. */
export interface CreateSyncResponse<
  TModels extends Record<string, ZodModel>,
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
>
  extends CreateSyncProps<TModels, TMetadata, TCheckpoint>, Definition {
  type: 'sync';
}

/** Defines a sync. Make it the module's default export. */
export function createSync<
  TModels extends Record<string, ZodModel>,
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
>(params: CreateSyncProps<TModels, TMetadata, TCheckpoint>): CreateSyncResponse<TModels, TMetadata, TCheckpoint> {
  return { type: 'sync', ...params, [EXECUTE]: executeSync };
}

/** The part of a sync's definition that running it needs. */
interface RunnableSync extends SyncParts {
  exec: (nango: NangoSync) => MaybePromise<void>;
}

async function executeSync(definition: RunnableSync): Promise<void> {
  const { exec, models } = definition;
  // Nango's older way to delete has no call that opens a pass, so one is opened here.
  if (exec.toString().includes('deleteRecordsFromPreviousExecutions')) Object.keys(models ?? {}).forEach(startPass);
  await exec(nangoOf(definition));
}

/** What an action is made of. */
export interface CreateActionProps<
  TInput extends z.ZodType,
  TOutput extends z.ZodType,
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
> {
  version?: string;
  description: string;
  endpoint?: Endpoint;
  input: TInput;
  output: TOutput;
  metadata?: TMetadata;
  checkpoint?: TCheckpoint;
  scopes?: string[];
  exec: (nango: NangoAction<TMetadata, TCheckpoint>, input: z.infer<TInput>) => MaybePromise<z.infer<TOutput>>;
}

/** What `createAction` returns. */
export interface CreateActionResponse<
  TInput extends z.ZodType,
  TOutput extends z.ZodType,
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
>
  extends CreateActionProps<TInput, TOutput, TMetadata, TCheckpoint>, Definition {
  type: 'action';
}

/** Defines an action, so that a module that has one can be imported. It is refused when run. */
export function createAction<
  TInput extends z.ZodType,
  TOutput extends z.ZodType,
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
>(
  params: CreateActionProps<TInput, TOutput, TMetadata, TCheckpoint>,
): CreateActionResponse<TInput, TOutput, TMetadata, TCheckpoint> {
  return { type: 'action', ...params, [EXECUTE]: () => Promise.reject(notASync('createAction', 'an action')) };
}

/** What an event function is made of. */
export interface CreateOnEventProps<
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
> {
  version?: string;
  description: string;
  event: 'post-connection-creation' | 'pre-connection-deletion' | 'validate-connection';
  metadata?: TMetadata;
  checkpoint?: TCheckpoint;
  exec: (nango: NangoAction<TMetadata, TCheckpoint>) => MaybePromise<void>;
}

/** What `createOnEvent` returns. */
export interface CreateOnEventResponse<
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
>
  extends CreateOnEventProps<TMetadata, TCheckpoint>, Definition {
  type: 'onEvent';
}

/** Defines an event function, so that its module can be imported. It is refused when run. */
export function createOnEvent<TMetadata extends ZodMetadata = undefined, TCheckpoint extends ZodCheckpoint = undefined>(
  params: CreateOnEventProps<TMetadata, TCheckpoint>,
): CreateOnEventResponse<TMetadata, TCheckpoint> {
  return {
    type: 'onEvent',
    ...params,
    [EXECUTE]: () => Promise.reject(notASync('createOnEvent', 'an event function')),
  };
}

/** What `createFunction` returns. */
export interface CreateFunctionResponse<Props> extends Definition {
  type: 'function';
  props: Props;
}

/** Accepts a function of Nango's experimental kind at import. It is refused when run. */
export function createFunction<Props extends { description: string }>(
  params: Props,
): CreateFunctionResponse<Props> & Props {
  const refuse = () => Promise.reject(notASync('createFunction', 'a function'));
  return { ...params, type: 'function' as const, props: params, [EXECUTE]: refuse };
}

/** What any of them returns. */
// The parameters differ from one to the next, and `exec` takes them: only `any` takes all.
export type CreateAnyResponse =
  | CreateSyncResponse<any, any, any>
  | CreateActionResponse<any, any, any, any>
  | CreateOnEventResponse<any, any>
  | CreateFunctionResponse<any>;

function notASync(maker: string, what: string): Error {
  return new Error(
    `\`${maker}\` makes ${what}, and Tidegate runs syncs only. Export a sync (\`export default createSync({ … })\`), ` +
      `and keep ${what} where it runs today.`,
  );
}
