/** The records of the test host: classified as the real one does it, kept in memory. */
import type { Manifest } from '../guest/manifest.ts';
import type { Summary } from './imports.ts';

type Json = Record<string, unknown>;

/** One model's records and its delete pass. */
interface Table {
  live: Map<string, { changed: number; record: Json }>;
  ignore: string[];
  seen?: Set<string> | undefined;
}

/** Refuses a call with the contract's error. */
export type Fail = (code: string, message: string) => never;

/** All records of the connection. */
export class Cache {
  readonly #fail: Fail;
  readonly #tables = new Map<string, Table>();
  #models: string[] = [];
  #tracksDeletes = false;
  #sequence = 0;

  constructor(fail: Fail) {
    this.#fail = fail;
  }

  /** Takes a manifest's models for the run that begins. */
  declare(manifest: Manifest): void {
    this.#models = Object.keys(manifest.models);
    this.#tracksDeletes = manifest.trackDeletes;
    for (const [name, model] of Object.entries(manifest.models)) {
      const table: Table = this.#tables.get(name) ?? { live: new Map(), ignore: [] };
      table.ignore = model.ignore ?? [];
      if (this.#tracksDeletes) table.seen ??= new Set();
      this.#tables.set(name, table);
    }
  }

  /** Ends the run: a sync that tracks deletes and went well deletes what it did not save. */
  endRun(well: boolean): void {
    if (!well || !this.#tracksDeletes) return;
    for (const name of this.#models) this.#sweep(this.#table(name));
  }

  write(kind: 'save' | 'update', model: string, ndjson: string): Summary {
    const table = this.#table(model);
    const records = this.#parse(ndjson);
    const summary: Summary = { added: 0, updated: 0, unchanged: 0 };
    this.#sequence++;
    for (const [id, record] of records) this.#put(table, kind, id, record, summary);
    return summary;
  }

  delete(model: string, ids: string[]): number {
    const table = this.#table(model);
    return ids.filter((id) => table.live.delete(id)).length;
  }

  find(model: string, ids: string[]): (string | undefined)[] {
    const table = this.#table(model);
    return ids.map((id) => table.live.get(id)).map((row) => row && JSON.stringify(row.record));
  }

  /** A page whose cursor is the number of records before it. */
  list(model: string, cursor: string | undefined, limit: number): { records: string[]; next?: string } {
    this.#table(model);
    const all = this.live(model);
    const from = Number(cursor ?? 0);
    const records = all.slice(from, from + limit).map((record) => JSON.stringify(record));
    const end = from + records.length;
    return end < all.length ? { records, next: String(end) } : { records };
  }

  openPass(model: string): void {
    this.#table(model).seen ??= new Set();
  }

  closePass(model: string): string[] {
    const table = this.#table(model);
    if (table.seen === undefined) this.#fail('invalid.argument', `no delete pass is open for \`${model}\``);
    return this.#sweep(table);
  }

  /** The live records in the order in which they last changed. */
  live(model: string): Json[] {
    const rows = [...(this.#tables.get(model)?.live.values() ?? [])];
    return rows.sort((a, b) => a.changed - b.changed).map(({ record }) => record);
  }

  #put(table: Table, kind: 'save' | 'update', id: string, record: Json, summary: Summary): void {
    table.seen?.add(id);
    const before = table.live.get(id)?.record;
    if (kind === 'update' && before === undefined) return;
    const after = kind === 'save' || before === undefined ? record : merged(before, record);
    if (before === undefined) summary.added++;
    else if (significant(before, table.ignore) === significant(after, table.ignore)) {
      summary.unchanged++;
      return;
    } else summary.updated++;
    // Out and in again, so that what was saved in one call stays in its order.
    table.live.delete(id);
    table.live.set(id, { changed: this.#sequence, record: after });
  }

  /** Deletes what the open pass has not seen; answers the ids. */
  #sweep(table: Table): string[] {
    const { seen } = table;
    table.seen = undefined;
    const gone = seen === undefined ? [] : [...table.live.keys()].filter((id) => !seen.has(id));
    for (const id of gone) table.live.delete(id);
    return gone;
  }

  #table(model: string): Table {
    const table = this.#tables.get(model);
    if (table !== undefined && this.#models.includes(model)) return table;
    const known = this.#models.map((name) => `\`${name}\``).join(', ');
    return this.#fail('model.unknown', `the manifest has no model \`${model}\`, only ${known}`);
  }

  /** The records of a call; one that is refused refuses all. */
  #parse(ndjson: string): [id: string, record: Json][] {
    const lines = ndjson.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line, index) => {
      const record = JSON.parse(line) as Json;
      const { id } = record;
      const isId = (typeof id === 'string' && id.length >= 1 && id.length <= 255) || Number.isInteger(id);
      if (!isId) this.#fail('record.invalid', `record ${index}: there is no \`id\` of text or a whole number`);
      if (/\\ud[89a-f]/i.test(line)) this.#fail('record.invalid', `record ${index}: a string has a lone surrogate`);
      return [String(id), record];
    });
  }
}

/** The fields that count as a change, in an order of their own. */
function significant(record: Json, ignore: string[]): string {
  return JSON.stringify(
    sorted(Object.fromEntries(Object.entries(record).filter(([field]) => !ignore.includes(field)))),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

/** `patch` merged deep into `record`; arrays are replaced. */
function merged(record: Json, patch: Json): Json {
  const result = { ...record };
  for (const [key, value] of Object.entries(patch)) {
    const before = result[key];
    result[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return result;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
