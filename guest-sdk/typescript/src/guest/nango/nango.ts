/** The `nango` object as a sync's function is given it: its types. */
import type * as z from 'zod';
import type { ActionError } from './action-error.ts';
import type { Connection, EnvironmentVariable, Integration } from './connection.ts';
import type { AxiosResponse, ProxyConfiguration } from './http.ts';
import type {
  Fitting,
  Identified,
  Inferred,
  MaybePromise,
  ModelName,
  RecordOf,
  ZodCheckpoint,
  ZodMetadata,
  ZodModel,
} from './schema.ts';
import type { FetchResponse, UncontrolledFetchOptions } from './uncontrolled.ts';

// `any` stands where a value is the author's to type: bodies and what is logged, as with Nango.

/** Levels of a log line. */
export interface UserLogParameters {
  level?: 'info' | 'debug' | 'error' | 'warn' | 'http' | 'verbose' | 'silly';
}

/** From which level on lines are kept. */
export interface SdkLogger {
  level: 'debug' | 'info' | 'warn' | 'error' | 'off';
}

/** What {@link NangoAction.setMetadata} answers. */
export interface MetadataAnswer {
  connection_id: string;
  provider_config_key: string;
  metadata: Record<string, unknown>;
}

/** What syncs, actions and event functions all have. */
export interface NangoAction<
  TMetadata extends ZodMetadata = never,
  TCheckpoint extends ZodCheckpoint = never,
  TMetadataInferred = Inferred<TMetadata, Record<string, unknown>>,
  TCheckpointInferred = Inferred<TCheckpoint, Record<string, string | number | boolean>>,
> {
  /** The app's id of the connection. */
  readonly connectionId: string;
  /** The integration. */
  readonly providerConfigKey: string;
  /** The provider: what the connection's config has as `provider`, else the integration. */
  readonly provider?: string;
  /** The run's id. */
  readonly activityLogId: string;
  /** The sync's name. */
  readonly syncId?: string;
  /** Not there: runs are not numbered. */
  readonly syncJobId?: number;
  /** From which level on lines are kept. */
  logger: SdkLogger;
  /** The class of errors with a payload: `throw new nango.ActionError({ … })`. */
  readonly ActionError: typeof ActionError;

  /** Sends a request with any method. */
  proxy<T = any>(config: ProxyConfiguration): Promise<AxiosResponse<T>>;
  /** Sends a `GET`. */
  get<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<AxiosResponse<T>>;
  /** Sends a `POST`. */
  post<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<AxiosResponse<T>>;
  /** Sends a `PUT`. */
  put<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<AxiosResponse<T>>;
  /** Sends a `PATCH`. */
  patch<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<AxiosResponse<T>>;
  /** Sends a `DELETE`. */
  delete<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<AxiosResponse<T>>;
  /** Goes through pages; each step gives the items of one. */
  paginate<T = any>(config: ProxyConfiguration): AsyncGenerator<T[], undefined, void>;

  /** A placeholder for the access token, never the token: see {@link Connection.credentials}. */
  getToken(): Promise<string>;
  /** The variant, `base` for the plain one. */
  getVariant(): string;
  /** What is known of the integration. */
  getIntegration(queries?: { include?: ('webhook' | 'credentials')[] }): Promise<Integration>;
  /** What is known of the connection. */
  getConnection(
    providerConfigKeyOverride?: string,
    connectionIdOverride?: string,
    options?: { refreshToken?: boolean; refreshGithubAppJwtToken?: boolean; forceRefresh?: boolean },
  ): Promise<Connection>;
  /** Replaces the metadata. */
  setMetadata(metadata: TMetadataInferred): Promise<AxiosResponse<MetadataAnswer>>;
  /** Puts these top-level fields over the present ones. */
  updateMetadata(metadata: Partial<TMetadataInferred>): Promise<AxiosResponse<MetadataAnswer>>;
  /** The metadata as it was written last, `{}` where none was set. */
  getMetadata<T = TMetadataInferred>(): Promise<T>;
  /** @deprecated Use `setMetadata`. */
  setFieldMapping(fieldMapping: Record<string, string>): Promise<AxiosResponse<object>>;
  /** @deprecated Use `getMetadata`. */
  getFieldMapping(): Promise<Record<string, string>>;
  /** Always `null`: a sync gets no webhooks. */
  getWebhookURL(): Promise<string | null | undefined>;
  /** Always `[]`: settings stand in the connection's config or metadata. */
  getEnvironmentVariables(): Promise<EnvironmentVariable[] | null>;
  /** Always `{}`. */
  getFlowAttributes<A = object>(): A | null;

  /** Adds a line to the run's log; a last argument with `level` says how loud. */
  log(message: any, options?: UserLogParameters | { [key: string]: any; level?: never }): MaybePromise<void>;
  log(message: string, ...args: [any, UserLogParameters]): MaybePromise<void>;
  log(...args: any[]): MaybePromise<void>;
  /** Sets from which level on lines are kept; `off` stays. */
  setLogger(logger: SdkLogger): void;

  /** Checks an input, logs each issue, and raises an {@link ActionError} if there are any. */
  zodValidateInput<T = any, Z = any>(input: { zodSchema: z.ZodType<Z>; input: T }): Promise<z.ZodSafeParseSuccess<Z>>;

  /** A request that has nothing to do with the connection, through the host's gate. */
  uncontrolledFetch(options: UncontrolledFetchOptions): Promise<FetchResponse>;

  /** Refused: a sync starts nothing else. */
  triggerAction<In = unknown, Out = object>(
    providerConfigKey: string,
    connectionId: string,
    actionName: string,
    input?: In,
  ): Promise<Out>;
  /** Refused: a sync starts nothing else. */
  triggerSync(
    providerConfigKey: string,
    connectionId: string,
    sync: string | { name: string; variant: string },
    syncMode?: 'incremental' | 'full_refresh' | 'full_refresh_and_clear_cache' | boolean,
  ): Promise<void | string>;
  /** Refused: a sync starts nothing else. */
  startSync(
    providerConfigKey: string,
    syncs: (string | { name: string; variant: string })[],
    connectionId?: string,
  ): Promise<void>;

  /**
   * Takes a lock if nobody in this run holds it. One run at a time holds a sync of a
   * connection, so that locks between its runs are not needed; between other syncs there
   * are none.
   */
  tryAcquireLock(lock: { key: string; ttlMs: number }): Promise<boolean>;
  /** Gives a lock back; whether it was held. */
  releaseLock(lock: { key: string }): Promise<boolean>;
  /** Gives all locks back. */
  releaseAllLocks(): Promise<void>;

  /** The checkpoint, `null` on a first run. */
  getCheckpoint(): Promise<TCheckpointInferred | null>;
  /** Saves it. Afterwards it and everything saved before it is durable. */
  saveCheckpoint(checkpoint: TCheckpointInferred): Promise<void>;
  /** Removes it: the next run starts from the beginning. */
  clearCheckpoint(): Promise<void>;
}

/** What a sync has beside: its records. */
export interface NangoSync<
  TModels extends Record<string, ZodModel> = never,
  TMetadata extends ZodMetadata = never,
  TCheckpoint extends ZodCheckpoint = never,
> extends NangoAction<TMetadata, TCheckpoint> {
  /** The variant, `base` for the plain one. */
  readonly variant: string;
  /** Not there: a checkpoint says where to go on. */
  readonly lastSyncDate?: Date;
  /** The model's name with the variant behind it, where there is one. */
  modelFullName(model: string): string;
  /** Saves records; of two with one id the later wins. */
  batchSave<
    TModel extends Identified = RecordOf<TModels, ModelName<TModels>>,
    K extends ModelName<TModels> = ModelName<TModels>,
  >(
    results: TModel[] & Fitting<TModel, RecordOf<TModels, K>>[],
    model: K,
  ): MaybePromise<boolean>;
  /** @deprecated Use `batchSave`. */
  batchSend<
    TModel extends Identified = RecordOf<TModels, ModelName<TModels>>,
    K extends ModelName<TModels> = ModelName<TModels>,
  >(
    results: TModel[] & Fitting<TModel, RecordOf<TModels, K>>[],
    model: K,
  ): Promise<boolean | null>;
  /** Deletes the records with these ids; their other fields do not matter. */
  batchDelete<TModel extends Identified, K extends ModelName<TModels> = ModelName<TModels>>(
    results: TModel[],
    model: K,
  ): MaybePromise<boolean>;
  batchDelete<TModel extends Identified = never>(
    results: NoInfer<Pick<TModel, 'id'> & Partial<TModel>>[],
    model: ModelName<TModels>,
  ): MaybePromise<boolean>;
  /** Merges fields into the records with these ids; ids that are not live are left alone. */
  batchUpdate<TModel extends Identified, K extends ModelName<TModels> = ModelName<TModels>>(
    results: TModel[] & Fitting<TModel, Partial<RecordOf<TModels, K>>>[],
    model: K,
  ): MaybePromise<boolean>;
  batchUpdate<TModel extends Identified = never>(
    results: NoInfer<Pick<TModel, 'id'> & Partial<TModel>>[],
    model: ModelName<TModels>,
  ): MaybePromise<boolean>;
  /** The live records with these ids. */
  getRecordsByIds<TKey = string | number, TModel = never, K extends ModelName<TModels> = ModelName<TModels>>(
    ids: TKey[],
    model: K,
  ): MaybePromise<Map<TKey, [TModel] extends [never] ? RecordOf<TModels, K> : TModel>>;
  /** All live records, in the order in which they last changed. */
  listRecords<TModel = never, K extends ModelName<TModels> = ModelName<TModels>>(
    model: K,
    options?: { cursor?: string },
  ): AsyncGenerator<[TModel] extends [never] ? RecordOf<TModels, K> : TModel>;
  /** @deprecated Use `trackDeletesStart` and `trackDeletesEnd`. */
  deleteRecordsFromPreviousExecutions(model: ModelName<TModels>): MaybePromise<{ deletedKeys: string[] }>;
  /** Opens a delete pass: what is saved from here on counts as seen. */
  trackDeletesStart(model: ModelName<TModels>): MaybePromise<void>;
  /** Closes the pass and deletes what it has not seen. */
  trackDeletesEnd(model: ModelName<TModels>): MaybePromise<{ deletedKeys: string[] }>;
  /** How the saves of this run meet records that changed after it began. */
  setMergingStrategy(
    merging: { strategy: 'ignore_if_modified_after' | 'override' },
    model: ModelName<TModels>,
  ): Promise<void>;
}
