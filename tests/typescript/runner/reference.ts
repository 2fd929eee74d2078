// A sync on Node with Nango's own classes: `NangoSyncBase` of `@nangohq/runner-sdk` does
// what is done in the sync's process (pagination, memoised connections, log levels, input
// checks), and this file stands for what Nango does behind it (proxy, cache, checkpoints).

import { type ActionError, NangoSyncBase, validateCheckpoint } from '@nangohq/runner-sdk';
import { Cache, type JsonObject } from './cache.ts';
import { type ProxyConfig, send } from './proxy.ts';

/** A connection and what its syncs have left, from run to run. */
export class Connection {
  readonly cache = new Cache();
  checkpoint: JsonObject | null = null;
  metadata: JsonObject = {};
  config: JsonObject = {};
  baseUrl = '';
  secret: string | undefined = undefined;
  provider = '';
}

/** How a run ended. */
export interface Ending {
  ended: 'ok' | 'failed' | 'interrupted' | 'killed';
  message: string;
  log: [level: string, message: string][];
}

/** What a run is told. */
export interface Orders {
  pastSoftLimit: boolean;
  /** Settled when the run is killed. */
  killed: Promise<void>;
}

/** A sync's definition, as far as a run needs it. */
export interface Definition {
  exec: (nango: unknown) => unknown;
  models: Record<string, unknown>;
  version?: string;
  trackDeletes?: boolean;
}

const ID = 'acme';

/** Runs `definition` for `connection`. */
export async function run(definition: Definition, connection: Connection, orders: Orders): Promise<Ending> {
  const nango = new ReferenceSync(connection, orders, definition);
  const ending = (ended: Ending['ended'], message = ''): Ending => ({ ended, message, log: nango.lines });
  const killed = orders.killed.then(() => {
    nango.die();
    return ending('killed');
  });
  return Promise.race([killed, exec(definition, nango, connection, ending)]);
}

async function exec(
  definition: Definition,
  nango: ReferenceSync,
  connection: Connection,
  ending: (ended: Ending['ended'], message?: string) => Ending,
): Promise<Ending> {
  const models = definition.trackDeletes ? Object.keys(definition.models) : [];
  for (const model of models) connection.cache.startPass(model);
  try {
    await definition.exec(nango);
  } catch (error) {
    const { code } = error as { code?: string };
    return code === 'execution_interrupted' ? ending('interrupted') : ending('failed', said(error));
  }
  for (const model of models) connection.cache.endPass(model);
  return ending('ok');
}

/** What a thrown value says. An ActionError has no message of its own, but a payload. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { payload } = error as ActionError<Record<string, unknown>>;
  return error.message || String(payload?.['message'] ?? JSON.stringify(payload));
}

class ReferenceSync extends NangoSyncBase {
  readonly lines: [string, string][] = [];
  override nango = undefined as never;
  #connection: Connection;
  #dead = new AbortController();
  #locks = new Set<string>();

  constructor(connection: Connection, orders: Orders, definition: Definition) {
    super({
      scriptType: 'sync',
      secretKey: 'none',
      team: { id: 1, name: 'team' },
      connectionId: ID,
      environmentId: 1,
      environmentName: 'dev',
      activityLogId: 'log',
      providerConfigKey: connection.provider,
      provider: connection.provider,
      syncId: 'sync',
      nangoConnectionId: 1,
      syncJobId: 1,
      syncConfig: { version: definition.version ?? '0.0.1', models_json_schema: null } as never,
      runnerFlags: {} as never,
      logger: { level: 'debug' },
      debug: false,
      startedAt: new Date(),
      endUser: null,
      // Interrupted from the first moment on, or never.
      lifecycle: { interruptAfterMs: orders.pastSoftLimit ? -1 : 86_400_000, killAfterMs: 86_400_000 },
    });
    this.#connection = connection;
    this.nango = this.#platform() as never;
  }

  /** Nothing that it does from here on has an effect. */
  die(): void {
    this.#dead.abort();
  }

  #alive(): Connection {
    this.#dead.signal.throwIfAborted();
    return this.#connection;
  }

  /** The part of Nango's API that the base class calls. */
  #platform(): object {
    const connection = this.#connection;
    return {
      userAgent: 'reference',
      getConnection: async () => ({
        id: 1,
        connection_id: ID,
        provider_config_key: connection.provider,
        provider: connection.provider,
        metadata: structuredClone(connection.metadata),
        connection_config: structuredClone(connection.config),
        credentials: { type: 'OAUTH2', access_token: connection.secret, raw: {} },
      }),
      setMetadata: async (_key: string, _id: string, metadata: JsonObject) => {
        connection.metadata = plain(metadata);
      },
      updateMetadata: async (_key: string, _id: string, metadata: JsonObject) => {
        connection.metadata = { ...connection.metadata, ...plain(metadata) };
      },
      getToken: async () => connection.secret,
      getEnvironmentVariables: async () => [],
    };
  }

  override async proxy(config: object): Promise<never> {
    return (await send(config as ProxyConfig, this.#alive(), this.#dead.signal)) as never;
  }

  override async log(...args: unknown[]): Promise<void> {
    const last = args.at(-1) as { level?: string } | undefined;
    const levelled = args.length > 0 && typeof last === 'object' && last !== null && 'level' in last;
    const level = (levelled && last.level) || 'info';
    if (levelled) args.pop();
    if (this.shouldLog(level as never)) this.lines.push([level, text(args[0])]);
  }

  override async batchSave(records: object[], model: never): Promise<boolean> {
    if (records?.length) this.#alive().cache.save(model, this.removeMetadata(records));
    return true;
  }

  override async batchUpdate(records: object[], model: never): Promise<boolean> {
    if (records?.length) this.#alive().cache.update(model, this.removeMetadata(records));
    return true;
  }

  override async batchDelete(records: { id: unknown }[], model: never): Promise<boolean> {
    if (records?.length) this.#alive().cache.delete(model, records.map(({ id }) => id));
    return true;
  }

  override async getRecordsByIds(ids: never[], model: never): Promise<Map<never, never>> {
    const found = ids.map((id) => [id, this.#alive().cache.get(model, id)] as const);
    return new Map(found.filter(([, record]) => record)) as never;
  }

  override async *listRecords(model: never): AsyncGenerator<never> {
    for (const record of this.#alive().cache.list(model)) yield record as never;
  }

  override async trackDeletesStart(model: never): Promise<void> {
    this.#alive().cache.startPass(model);
  }

  override async trackDeletesEnd(model: never): Promise<{ deletedKeys: string[] }> {
    return { deletedKeys: this.#alive().cache.endPass(model) };
  }

  override async deleteRecordsFromPreviousExecutions(): Promise<{ deletedKeys: string[] }> {
    throw new Error('no sync of this suite calls it');
  }

  override async setMergingStrategy(): Promise<void> {}

  override async getCheckpoint(): Promise<never> {
    return structuredClone(this.#alive().checkpoint) as never;
  }

  override async saveCheckpoint(checkpoint: never): Promise<void> {
    this.#alive().checkpoint = validateCheckpoint(plain(checkpoint)) as JsonObject;
    this.throwIfInterrupted();
  }

  override async clearCheckpoint(): Promise<void> {
    this.#alive().checkpoint = null;
  }

  override async uncontrolledFetch(options: { url: URL; method?: string; headers?: Record<string, string>; body?: string | null }): Promise<Response> {
    const { url, ...rest } = options;
    return fetch(url, rest as RequestInit);
  }

  override async tryAcquireLock({ key }: { key: string }): Promise<boolean> {
    const isFree = !this.#locks.has(key);
    this.#locks.add(key);
    return isFree;
  }

  override async releaseLock({ key }: { key: string }): Promise<boolean> {
    return this.#locks.delete(key);
  }

  override async releaseAllLocks(): Promise<void> {
    this.#locks.clear();
  }

  override async triggerSync(): Promise<void> {}
  override async startSync(): Promise<void> {}
}

function plain<T>(value: T): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}
