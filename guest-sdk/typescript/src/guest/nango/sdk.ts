/** The `nango` object: Nango's members over Tidegate's imports. */
import type * as z from 'zod';
import * as checkpoint from '../checkpoint.ts';
import * as log from '../log.ts';
import * as metadata from '../metadata.ts';
import * as records from '../records.ts';
import * as run from '../run.ts';
import { json } from '../check.ts';
import { refused } from '../errors.ts';
import { allHeard } from '../promises.ts';
import { ActionError } from './action-error.ts';
import {
  type Connection,
  type EnvironmentVariable,
  type Integration,
  connection,
  integration,
  provider,
  token,
} from './connection.ts';
import type { AxiosResponse, ProxyConfiguration } from './http.ts';
import { Locks } from './locks.ts';
import { Logger } from './logger.ts';
import type { MetadataAnswer, NangoSync, SdkLogger } from './nango.ts';
import { paginate } from './paginate.ts';
import { proxy } from './proxy.ts';
import type { Identified } from './schema.ts';
import { type FetchResponse, type UncontrolledFetchOptions, uncontrolledFetch } from './uncontrolled.ts';

/** The variant of a sync that has no other. */
export const BASE_VARIANT = 'base';

/** What the `nango` object needs of a definition. */
export interface SyncParts {
  models?: Record<string, unknown>;
  checkpoint?: z.ZodType | undefined;
}

/**
 * The object itself, untyped: {@link NangoSync} is the type that authors see. It holds
 * nothing that outlives a run.
 */
export class NangoRun {
  readonly activityLogId = run.id();
  readonly connectionId = run.connectionId();
  readonly providerConfigKey = run.integration();
  readonly syncId = run.syncName();
  readonly syncJobId = undefined;
  readonly variant = run.variant();
  readonly lastSyncDate = undefined;
  readonly track_deletes = false;
  readonly isCLI = false;
  readonly scriptType = 'sync';
  readonly ActionError = ActionError;

  readonly #parts: SyncParts;
  readonly #locks = new Locks();
  readonly #logger = new Logger();
  readonly #merging = new Set<string>();

  constructor(parts: SyncParts) {
    this.#parts = parts;
  }

  get provider(): string {
    return provider();
  }

  get logger(): SdkLogger {
    return { level: this.#logger.level };
  }

  proxy<T>(config: ProxyConfiguration): Promise<AxiosResponse<T>> {
    return proxy<T>(config);
  }
  get<T>(config: ProxyConfiguration): Promise<AxiosResponse<T>> {
    return proxy<T>({ ...config, method: 'GET' });
  }
  post<T>(config: ProxyConfiguration): Promise<AxiosResponse<T>> {
    return proxy<T>({ ...config, method: 'POST' });
  }
  put<T>(config: ProxyConfiguration): Promise<AxiosResponse<T>> {
    return proxy<T>({ ...config, method: 'PUT' });
  }
  patch<T>(config: ProxyConfiguration): Promise<AxiosResponse<T>> {
    return proxy<T>({ ...config, method: 'PATCH' });
  }
  delete<T>(config: ProxyConfiguration): Promise<AxiosResponse<T>> {
    return proxy<T>({ ...config, method: 'DELETE' });
  }
  paginate<T>(config: ProxyConfiguration): AsyncGenerator<T[], undefined, void> {
    return paginate<T>(config);
  }
  uncontrolledFetch(options: UncontrolledFetchOptions): Promise<FetchResponse> {
    return uncontrolledFetch(options);
  }

  async getToken(): Promise<string> {
    return token();
  }
  getVariant(): string {
    return this.variant;
  }
  async getIntegration(): Promise<Integration> {
    return integration();
  }
  async getConnection(integrationKey?: string, connectionId?: string): Promise<Connection> {
    return connection(integrationKey, connectionId);
  }
  async getWebhookURL(): Promise<null> {
    return null;
  }
  async getEnvironmentVariables(): Promise<EnvironmentVariable[]> {
    return [];
  }
  getFlowAttributes(): object {
    return {};
  }

  async getMetadata(): Promise<unknown> {
    return metadata.get();
  }
  async setMetadata(fields: object): Promise<AxiosResponse<MetadataAnswer>> {
    metadata.set(fields);
    return this.#metadataAnswer();
  }
  async updateMetadata(fields: object): Promise<AxiosResponse<MetadataAnswer>> {
    metadata.merge(fields);
    return this.#metadataAnswer();
  }
  async setFieldMapping(mapping: Record<string, string>): Promise<AxiosResponse<object>> {
    return this.setMetadata(mapping);
  }
  async getFieldMapping(): Promise<unknown> {
    return metadata.get()['fieldMapping'] ?? {};
  }

  async log(...args: unknown[]): Promise<void> {
    this.#logger.log(args);
  }
  setLogger(logger: SdkLogger): void {
    this.#logger.set(logger.level);
  }

  async zodValidateInput({ zodSchema, input }: { zodSchema: z.ZodType; input: unknown }): Promise<unknown> {
    const parsed = zodSchema.safeParse(input);
    if (parsed.success) return parsed;
    for (const issue of parsed.error.issues) {
      log.error(`Invalid input provided: ${issue.message} at path ${issue.path.map(String).join('.')}`);
    }
    throw new ActionError({ message: 'Invalid input provided' });
  }

  async triggerAction(): Promise<never> {
    throw refusedCall('triggerAction');
  }
  async triggerSync(): Promise<never> {
    throw refusedCall('triggerSync');
  }
  async startSync(): Promise<never> {
    throw refusedCall('startSync');
  }

  async tryAcquireLock({ key, ttlMs }: { key: string; ttlMs: number }): Promise<boolean> {
    return this.#locks.take(key, ttlMs);
  }
  async releaseLock({ key }: { key: string }): Promise<boolean> {
    return this.#locks.release(key);
  }
  async releaseAllLocks(): Promise<void> {
    this.#locks.releaseAll();
  }

  async getCheckpoint(): Promise<unknown> {
    return checkpoint.get() ?? null;
  }
  async saveCheckpoint(value: unknown): Promise<void> {
    checkpoint.save(flatCheckpoint(value, this.#parts.checkpoint));
  }
  async clearCheckpoint(): Promise<void> {
    checkpoint.clear();
  }

  modelFullName(model: string): string {
    return this.variant === BASE_VARIANT ? model : `${model}::${this.variant}`;
  }
  async batchSave(results: object[] | null | undefined, model: string): Promise<boolean> {
    if (isSome(results)) records.save(model, results.map(withoutOurs));
    return true;
  }
  async batchSend(results: object[], model: string): Promise<boolean> {
    return this.batchSave(results, model);
  }
  async batchUpdate(results: object[] | null | undefined, model: string): Promise<boolean> {
    if (isSome(results)) records.update(model, results.map(withoutOurs));
    return true;
  }
  async batchDelete(results: Identified[] | null | undefined, model: string): Promise<boolean> {
    if (isSome(results))
      records.remove(
        model,
        results.map((record) => record?.id),
      );
    return true;
  }
  async getRecordsByIds(ids: records.Id[], model: string): Promise<Map<records.Id, unknown>> {
    const found = records.find(model, ids);
    const pairs = ids.map((id, index) => [id, found[index]] as const);
    return new Map(pairs.filter(([, record]) => record !== undefined));
  }
  async *listRecords(model: string, options?: { cursor?: string }): AsyncGenerator<unknown, void, void> {
    yield* records.list(model, options?.cursor);
  }
  async trackDeletesStart(model: string): Promise<void> {
    records.startPass(model);
  }
  async trackDeletesEnd(model: string): Promise<{ deletedKeys: string[] }> {
    return { deletedKeys: records.endPass(model) };
  }
  async deleteRecordsFromPreviousExecutions(model: string): Promise<{ deletedKeys: string[] }> {
    return { deletedKeys: records.endPass(model) };
  }
  async setMergingStrategy({ strategy }: { strategy: string }, model: string): Promise<void> {
    if (this.#merging.has(model)) {
      log.warn(`Merging strategy for model ${model} is already set. Skipping`);
      return;
    }
    records.merging(model, mergingOf(strategy));
    this.#merging.add(model);
  }

  #metadataAnswer(): AxiosResponse<MetadataAnswer> {
    const answer = {
      connection_id: this.connectionId,
      provider_config_key: this.providerConfigKey,
      metadata: metadata.get(),
    };
    return { data: answer, status: 200, statusText: 'OK', headers: {}, config: {} };
  }
}

allHeard(NangoRun);

/** The `nango` object of a run. */
export function nangoOf(parts: SyncParts): NangoSync {
  return new NangoRun(parts) as unknown as NangoSync;
}

function isSome<T>(results: T[] | null | undefined): results is T[] {
  if (results === null || results === undefined) return false;
  if (!Array.isArray(results)) throw refused(`Records are given as an array, not as ${typeof results}.`);
  return results.length > 0;
}

/** A record without the field that Nango adds when it is read, which is no part of it. */
function withoutOurs(record: object): object {
  if (typeof record !== 'object' || record === null || !('_nango_metadata' in record)) return record;
  const { _nango_metadata: _, ...own } = record as Record<string, unknown>;
  return own;
}

function mergingOf(strategy: string): records.MergingStrategy {
  if (strategy === 'override') return 'override';
  if (strategy === 'ignore_if_modified_after') return 'ignore-if-modified-after-start';
  throw new Error(`Unsupported merging strategy: ${strategy}`);
}

/** The checkpoint as it is kept: strings, numbers and booleans, a `Date` as its ISO text. */
function flatCheckpoint(value: unknown, schema: z.ZodType | undefined): object {
  const kept = JSON.parse(json(value, 'The checkpoint')) as unknown;
  if (typeof kept !== 'object' || kept === null || Array.isArray(kept)) {
    throw new Error(`Invalid checkpoint: it must be an object, not ${json(kept, 'it')}.`);
  }
  for (const [name, each] of Object.entries(kept)) {
    if (!['string', 'number', 'boolean'].includes(typeof each)) {
      const found = json(each, name);
      throw new Error(`Invalid checkpoint: \`${name}\` must be a string, a number or a boolean, not ${found}.`);
    }
  }
  const checked = schema?.safeParse(kept);
  if (checked !== undefined && !checked.success) {
    const issues = checked.error.issues.map(({ message, path }) => `${message} at \`${path.map(String).join('.')}\``);
    throw new Error(`Invalid checkpoint: ${issues.join('; ')}.`);
  }
  return kept;
}

function refusedCall(name: string): Error {
  return refused(
    `\`nango.${name}\` is not there: a sync starts no other sync or action. Start it from the app, over the API.`,
  );
}
