/**
 * A host in the test's own process: canned responses in, records out.
 *
 * It keeps records, checkpoint and metadata from run to run, as the real one does, so that
 * a second run, and one after an interruption, can be tested too. It checks no schemas and
 * enforces no limits: for those, run the component on the real host.
 */
import { component } from '../guest/component.ts';
import type { Definition } from '../guest/definition.ts';
import type { HostError } from '../guest/errors.ts';
import { manifestOf } from '../guest/manifest.ts';
import { Cache } from './cache.ts';
import { exchange } from './current.ts';
import type { Facts, Imports, Level, RequestParts } from './imports.ts';
import { type Answer, BASE_URL, Replies, type Reply, type Sent, sentOf, taken } from './reply.ts';

/** When runs start unless {@link TestHost.now} says otherwise. */
const NOW = '2026-08-31T12:00:00Z';

/** Milliseconds from a run's start to its deadline. */
const RUN_MS = 24 * 60 * 60 * 1000;

/** A line of the log. */
export interface LogLine {
  level: Level;
  message: string;
  /** Its attributes, `undefined` if it has none. */
  attributes: Record<string, unknown> | undefined;
}

/** What was told as progress. */
export interface ProgressLine {
  message: string;
  done: number;
  total: number | undefined;
}

/** How a run ended: well, or with the error that the real host would be given. */
export type Outcome = { ok: true; error?: undefined } | { ok: false; error: HostError };

/** What ends a run that is stopped, as the real host unwinds a guest. */
class Stop extends Error {}

/**
 * A host for tests: say what the provider answers, run a sync, look at what it did.
 *
 * ```ts
 * const host = new TestHost().reply('/users', json([{ id: 'ada' }]));
 * await host.mustRun(users);
 * assert.deepEqual(host.records('User'), [{ id: 'ada' }]);
 * ```
 */
export class TestHost {
  readonly #replies = new Replies();
  readonly #cache = new Cache(fail);
  #checkpoint: string | undefined;
  #metadata: Record<string, unknown> = {};
  #config: Record<string, unknown> = {};
  #facts: Partial<Facts> = {};
  #baseUrl = BASE_URL;
  #now = NOW;
  #attempt = 1;
  #checkpointsLeft = Infinity;
  #requestsLeft = Infinity;
  #isStopped = false;
  #hasCheckpoint = true;

  /** All requests so far. */
  readonly sent: Sent[] = [];
  /** The order in which requests were sent and waited for: `send /a`, `wait /a`. */
  readonly trail: string[] = [];
  /** The log so far. */
  readonly logs: LogLine[] = [];
  /** What was told as progress so far. */
  readonly progress: ProgressLine[] = [];
  /** The sleeps so far, in milliseconds; none of them takes time. */
  readonly sleeps: number[] = [];
  /** The merging strategies that were set, by model. */
  readonly merging: Record<string, string> = {};
  /** How many records each call had, by kind and model: `save User 3`. */
  readonly calls: string[] = [];

  /**
   * Answers requests to `url` (a path, with the query parameters that must be there, such
   * as `/users?cursor=2`) with `reply`. Of several that fit, the one with most parameters
   * is taken. The same `url` again sets the reply to the next request; the last one stays.
   */
  reply(url: string, reply: Reply): this {
    this.#replies.push(url, reply);
    return this;
  }
  /** Answers every request that no {@link reply} fits. */
  serve(answer: Answer): this {
    this.#replies.otherwise(answer);
    return this;
  }
  /** Sets the connection's base URL. */
  baseUrl(url: string): this {
    this.#baseUrl = url;
    return this;
  }
  /** Sets the connection's configuration. */
  config(config: Record<string, unknown>): this {
    this.#config = config;
    return this;
  }
  /** Sets the connection's metadata. */
  withMetadata(metadata: Record<string, unknown>): this {
    this.#metadata = metadata;
    return this;
  }
  /** Sets the checkpoint that the next run starts from. */
  withCheckpoint(checkpoint: Record<string, unknown>): this {
    this.#checkpoint = JSON.stringify(checkpoint);
    return this;
  }
  /** Sets when runs start, as RFC 3339. */
  now(time: string): this {
    this.#now = time;
    return this;
  }
  /** Sets facts of the run, such as its variant. */
  facts(facts: Partial<Omit<Facts, 'config'>>): this {
    this.#facts = facts;
    return this;
  }
  /** Stops the next run at its `count`-th checkpoint, once that is saved. */
  stopAtCheckpoint(count: number): this {
    this.#checkpointsLeft = count;
    return this;
  }
  /** Stops the next run at its `count`-th request, before it goes out, as a kill would. */
  stopAtRequest(count: number): this {
    this.#requestsLeft = count;
    return this;
  }

  /** The live records of a model, in the order in which they last changed. */
  records<T = Record<string, unknown>>(model: string): T[] {
    return this.#cache.live(model) as T[];
  }
  /** The checkpoint, `undefined` if there is none. */
  get checkpoint(): Record<string, unknown> | undefined {
    return this.#checkpoint === undefined ? undefined : (JSON.parse(this.#checkpoint) as Record<string, unknown>);
  }
  /** The connection's metadata. */
  get metadata(): Record<string, unknown> {
    return this.#metadata;
  }
  /** The texts of the log so far. */
  get logLines(): string[] {
    return this.logs.map(({ message }) => message);
  }

  /** Runs a sync once. A run that was stopped ends with the code `run.interrupted`. */
  async run(definition: Definition, name = 'test'): Promise<Outcome> {
    const manifest = manifestOf(definition, name);
    this.#cache.declare(manifest);
    this.#hasCheckpoint = manifest.checkpoint !== undefined;
    this.#isStopped = false;
    const outcome = await this.#execute(definition, manifest.name);
    this.#cache.endRun(outcome.ok);
    this.#checkpointsLeft = Infinity;
    this.#requestsLeft = Infinity;
    this.#attempt = outcome.error?.code === 'run.interrupted' ? this.#attempt + 1 : 1;
    return outcome;
  }

  /** Runs a sync once, and throws unless it ends well. */
  async mustRun(definition: Definition, name?: string): Promise<this> {
    const { error } = await this.run(definition, name);
    if (error !== undefined) throw new Error(`${error.code}: ${error.message}`);
    return this;
  }

  async #execute(definition: Definition, name: string): Promise<Outcome> {
    const before = exchange(this.#imports(name));
    try {
      await component(async () => ({ default: definition }), '{}').run();
    } catch (thrown) {
      if (!this.#isStopped) return { ok: false, error: thrown as HostError };
    } finally {
      exchange(before);
    }
    if (!this.#isStopped) return { ok: true };
    return {
      ok: false,
      error: { code: 'run.interrupted', message: 'the test host stopped the run', retryAfterMs: undefined },
    };
  }

  #imports(name: string): Imports {
    const cache = this.#cache;
    // A guest that catches the stop must not go on: every later call stops it again.
    const live =
      <Args extends unknown[], T>(call: (...args: Args) => T) =>
      (...args: Args): T => {
        if (this.#isStopped) throw new Stop();
        return call(...args);
      };
    const counted = (kind: 'save' | 'update', model: string, ndjson: string) => {
      this.calls.push(`${kind} ${model} ${ndjson.split('\n').length}`);
      return cache.write(kind, model, ndjson);
    };
    return {
      fail,
      send: live((parts) => this.#send(parts)),
      write: live(counted),
      delete: live((model, ids) => cache.delete(model, ids)),
      find: live((model, ids) => cache.find(model, ids)),
      list: live((model, cursor, limit) => cache.list(model, cursor, limit)),
      openPass: live((model) => cache.openPass(model)),
      closePass: live((model) => cache.closePass(model)),
      merging: live((model, strategy) => void (this.merging[model] = strategy)),
      checkpoint: live(() => this.#checkpoint),
      saveCheckpoint: live((json) => this.#saveCheckpoint(json)),
      clearCheckpoint: live(() => void (this.#checkpoint = undefined)),
      metadata: live(() => JSON.stringify(this.#metadata)),
      setMetadata: live((json) => void (this.#metadata = JSON.parse(json) as Record<string, unknown>)),
      mergeMetadata: live((json) => void (this.#metadata = { ...this.#metadata, ...(JSON.parse(json) as object) })),
      log: (level, message, attributes) => this.#log(level, message, attributes),
      facts: () => this.#factsOf(name),
      sleep: live((milliseconds) => void this.sleeps.push(milliseconds)),
      progress: (message, done, total) => void this.progress.push({ message, done, total }),
    };
  }

  #send(parts: RequestParts): { wait(): ReturnType<typeof taken> } {
    if (--this.#requestsLeft === 0) this.#stop();
    const sent = sentOf(parts, this.#baseUrl);
    this.sent.push(sent);
    this.trail.push(`send ${sent.path}`);
    return {
      wait: () => {
        if (this.#isStopped) throw new Stop();
        this.trail.push(`wait ${sent.path}`);
        const reply = this.#replies.answer(sent);
        if (reply.error !== undefined) fail(reply.error.code, reply.error.message, reply.error.retryAfterMs);
        return taken(reply, sent);
      },
    };
  }

  #saveCheckpoint(json: string): void {
    if (!this.#hasCheckpoint) fail('checkpoint.invalid', 'the manifest has no `checkpoint` schema');
    this.#checkpoint = json;
    if (--this.#checkpointsLeft === 0) this.#stop();
  }

  #stop(): never {
    this.#isStopped = true;
    throw new Stop();
  }

  #log(level: Level, message: string, attributes: string): void {
    const parsed = attributes === '' ? undefined : (JSON.parse(attributes) as Record<string, unknown>);
    this.logs.push({ level, message, attributes: parsed });
  }

  #factsOf(name: string): Facts {
    return {
      id: 'run-1',
      connectionId: 'local',
      integration: 'local',
      syncName: name,
      variant: 'base',
      trigger: 'manual',
      attempt: this.#attempt,
      startedAt: this.#now,
      deadline: new Date(Date.parse(this.#now) + RUN_MS).toISOString(),
      memoryLimitKib: 128 * 1024,
      memoryUsedKib: 4 * 1024,
      ...this.#facts,
      config: JSON.stringify(this.#config),
    };
  }
}

/** Throws as the engine does: an error without words, with the contract's as its payload. */
function fail(code: string, message: string, retryAfterMs?: number): never {
  throw Object.assign(new Error('[object Object]'), { payload: { code, message, retryAfterMs } });
}
