/// <reference path="./host.d.ts" />
/**
 * Records: any number of objects in, batches of NDJSON out. They cross as text, the
 * fastest way in this engine; the host checks each record and keeps its bytes.
 */
import * as host from 'tidegate:sync/records@0.1.0';
import * as check from './check.ts';
import { hosted, refused } from './errors.ts';

/**
 * Characters of JSON after which a batch goes to the host: 500 records of 500. A durable
 * write then costs little a record, and a batch in the making little memory. A character
 * is at most 3 bytes, so that batch and last record stay below the 8 MiB that a call takes
 * unless the record alone is over the host's limit for one, which refuses it by name.
 */
const BATCH_CHARS = 256 * 1024;

/** Ids that the host takes in one call; more become several calls. */
const IDS_PER_CALL_MAX = 10_000;

/** Records asked for in one call of `list`. */
const LIST_PAGE = 1_000;

/** What saves did, summed. */
export interface Saved {
  /** New records, and ones that were deleted before. */
  added: number;
  /** Records whose content changed. */
  updated: number;
  /** Records that are as they were. */
  unchanged: number;
}

/** What a save does to a record that is there. */
export type MergingStrategy = host.MergingStrategy;

/** An id as the host knows it: a number's is its text. */
export type Id = string | number;

/**
 * Saves records. When it returns, all of them are durable. They go to the host in
 * batches; a record that is refused refuses its batch, and the batches before it stay
 * saved. `model.unknown`, `record.invalid`, `record.schema`, `limit.storage`.
 */
export function save(model: string, records: Iterable<object>): Saved {
  return write(host.batchSaveText, model, records);
}

/**
 * Merges fields deep into the live records with the same `id` (arrays are replaced); ids
 * that are not live are left alone.
 */
export function update(model: string, patches: Iterable<object>): Saved {
  return write(host.batchUpdateText, model, patches);
}

/** Deletes the live ones of these ids; answers how many there were. */
export function remove(model: string, ids: Iterable<Id>): number {
  let deleted = 0;
  for (const chunk of chunks(model, ids)) deleted += hosted(() => host.batchDelete(model, chunk));
  return deleted;
}

/** The live records with these ids, in their order, `undefined` for those not there. */
export function find<T = unknown>(model: string, ids: Iterable<Id>): (T | undefined)[] {
  const found: (T | undefined)[] = [];
  for (const chunk of chunks(model, ids)) {
    for (const json of hosted(() => host.get(model, chunk))) {
      found.push(json === undefined || json === null ? undefined : (JSON.parse(json) as T));
    }
  }
  return found;
}

/** All live records, in the order in which they last changed, asked for page by page. */
export function* list<T = unknown>(model: string, cursor?: string): Generator<T, void, void> {
  check.name(model, 'The model');
  let at = cursor === undefined ? undefined : check.text(cursor, 'The cursor');
  do {
    const page = hosted(() => host.list(model, at, LIST_PAGE));
    for (const json of page.records) yield JSON.parse(json) as T;
    at = page.next ?? undefined;
  } while (at !== undefined);
}

/** Opens a delete pass: from here on, every saved record of the model counts as seen. */
export function startPass(model: string): void {
  check.name(model, 'The model');
  hosted(() => host.trackDeletesStart(model));
}

/** Closes the pass and deletes what it has not seen; answers at most 10,000 of the ids. */
export function endPass(model: string): string[] {
  check.name(model, 'The model');
  return hosted(() => host.trackDeletesEnd(model));
}

/** Sets how the saves of this run meet records that are there. */
export function merging(model: string, strategy: MergingStrategy): void {
  check.name(model, 'The model');
  hosted(() => host.setMergingStrategy(model, strategy));
}

type Write = (model: string, ndjson: string) => Saved;

function write(send: Write, model: string, records: Iterable<object>): Saved {
  check.name(model, 'The model');
  const saved: Saved = { added: 0, updated: 0, unchanged: 0 };
  let lines: string[] = [];
  let chars = 0;
  let index = 0;
  const flush = () => {
    if (lines.length === 0) return;
    const ndjson = lines.join('\n');
    lines = [];
    chars = 0;
    add(
      saved,
      hosted(() => send(model, ndjson)),
    );
  };
  for (const record of listOf(records, model)) {
    const line = check.jsonObject(record, `Record ${index} for \`${model}\``);
    if (chars > 0 && chars + line.length > BATCH_CHARS) flush();
    lines.push(line);
    chars += line.length;
    index++;
  }
  flush();
  return saved;
}

function add(sum: Saved, more: Saved): void {
  sum.added += more.added;
  sum.updated += more.updated;
  sum.unchanged += more.unchanged;
}

function listOf<T>(values: Iterable<T>, model: string): Iterable<T> {
  const iterable = typeof values === 'object' && values !== null && Symbol.iterator in values;
  if (!iterable) throw refused(`What is saved in \`${model}\` must be a list, not ${check.kindOf(values)}.`);
  return values;
}

function* chunks(model: string, ids: Iterable<Id>): Generator<string[]> {
  check.name(model, 'The model');
  let chunk: string[] = [];
  for (const id of listOf(ids, model)) {
    if (typeof id !== 'string' && typeof id !== 'number') {
      throw refused(`An id of \`${model}\` must be a string or a number, not ${check.kindOf(id)}.`);
    }
    chunk.push(check.text(String(id), `An id of \`${model}\``));
    if (chunk.length === IDS_PER_CALL_MAX) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
