// The records of a connection as Nango keeps them: by model and id, with what was deleted.
// The rules are those that its documentation and its runner show: a saved record takes the
// place of the old one and revives a deleted one; an update merges into live ones only; a
// delete pass takes away what it has not seen.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

interface Kept {
  record: JsonObject;
  deleted: boolean;
}

export class Cache {
  #models = new Map<string, Map<string, Kept>>();
  #passes = new Map<string, Set<string>>();

  save(model: string, records: object[]): void {
    for (const record of records.map(asJson)) {
      const id = String(record['id']);
      this.#of(model).set(id, { record, deleted: false });
      this.#passes.get(model)?.add(id);
    }
  }

  update(model: string, records: object[]): void {
    for (const change of records.map(asJson)) {
      const id = String(change['id']);
      const kept = this.#of(model).get(id);
      if (!kept || kept.deleted) continue;
      kept.record = merged(kept.record, change);
      this.#passes.get(model)?.add(id);
    }
  }

  delete(model: string, ids: unknown[]): void {
    for (const id of ids) {
      const kept = this.#of(model).get(String(id));
      if (kept) kept.deleted = true;
    }
  }

  /** Opens a delete pass, or goes on with one that an earlier run left open. */
  startPass(model: string): void {
    if (!this.#passes.has(model)) this.#passes.set(model, new Set());
  }

  /** Closes it; answers the ids that it deleted. */
  endPass(model: string): string[] {
    const seen = this.#passes.get(model);
    this.#passes.delete(model);
    const gone = this.live(model).filter(([id]) => seen && !seen.has(id));
    this.delete(model, gone.map(([id]) => id));
    return gone.map(([id]) => id);
  }

  /** Live records by id, sorted by id. */
  live(model: string): [string, JsonObject][] {
    const kept = [...this.#of(model)].filter(([, { deleted }]) => !deleted);
    return kept.map(([id, { record }]): [string, JsonObject] => [id, structuredClone(record)]).sort(byId);
  }

  /** Ids of the deleted ones, sorted. */
  deleted(model: string): string[] {
    const kept = [...this.#of(model)].filter(([, { deleted }]) => deleted);
    return kept.map(([id]) => id).sort();
  }

  get(model: string, id: unknown): JsonObject | undefined {
    const kept = this.#of(model).get(String(id));
    return kept && !kept.deleted ? structuredClone(kept.record) : undefined;
  }

  /** In the order in which they were first saved. */
  list(model: string): JsonObject[] {
    const kept = [...this.#of(model).values()].filter(({ deleted }) => !deleted);
    return kept.map(({ record }) => structuredClone(record));
  }

  #of(model: string): Map<string, Kept> {
    const found = this.#models.get(model) ?? new Map<string, Kept>();
    this.#models.set(model, found);
    return found;
  }
}

function byId(a: [string, unknown], b: [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function asJson(record: object): JsonObject {
  return JSON.parse(JSON.stringify(record)) as JsonObject;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merged(before: JsonObject, change: JsonObject): JsonObject {
  const after = { ...before };
  for (const [key, value] of Object.entries(change)) {
    const old = after[key];
    after[key] = isObject(old) && isObject(value) ? merged(old, value) : value;
  }
  return after;
}
