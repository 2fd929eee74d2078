/**
 * The manifest of a definition, under `wit/manifest.schema.json`. Made when a component is
 * built, on Node: making JSON Schemas is none of a run's work.
 */
import { toJSONSchema } from 'zod';
import type { Definition } from './definition.ts';

/** A JSON Schema. */
export type JsonSchema = Record<string, unknown>;

/** What `describe` returns. */
export interface Manifest {
  name: string;
  version: string;
  description?: string | undefined;
  models: Record<string, ManifestModel>;
  frequency?: string | undefined;
  autoStart: boolean;
  syncType: 'incremental' | 'full';
  trackDeletes: boolean;
  checkpoint?: JsonSchema | undefined;
  metadata?: JsonSchema | undefined;
  endpoints?: { method: string; path: string; group?: string }[] | undefined;
  scopes?: string[] | undefined;
  hosts?: string[] | undefined;
  memory?: number | undefined;
}

/** A model of a manifest. */
export interface ManifestModel {
  /** JSON Schema of a record. */
  schema: JsonSchema;
  /** Top-level fields that do not count as a change. */
  ignore?: string[];
  /** Whether a record that does not fit is refused; said only where it is not. */
  enforce?: false;
}

/** A definition that is wrong. The message names the key and says what to write. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}

/** Names of syncs and models. */
const WORD = /^[A-Za-z0-9_-]{1,255}$/;

/** The version of a sync that says none, as Nango has it. */
const VERSION_DEFAULT = '0.0.1';

/** Units of an interval, as the host reads them. */
const UNITS = 's|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?|months?';
const FREQUENCY = new RegExp(
  `^(?:every )?(?:(?:\\d+ ?)?(?:${UNITS})|quarter hour|half hour|half day)$|^cron: *\\S+(?: +\\S+){4}$`,
);

/** The manifest of `definition`, a module's default export; `name` is its file's name. */
export function manifestOf(definition: unknown, name: string): Manifest {
  const fields = fieldsOf(definition);
  const isNango = fields['type'] === 'sync';
  const named = textAt(fields, 'name') ?? name;
  word(named, 'name');
  functionAt(fields, isNango ? 'exec' : 'run');
  const manifest: Manifest = {
    name: named,
    version: textAt(fields, 'version') ?? VERSION_DEFAULT,
    description: textAt(fields, 'description'),
    models: modelsOf(fields['models'], isNango, fields['ignore']),
    frequency: frequencyOf(fields),
    autoStart: flagAt(fields, 'autoStart') ?? true,
    syncType: syncTypeOf(fields),
    trackDeletes: flagAt(fields, 'trackDeletes') ?? false,
    checkpoint: checkpointOf(fields['checkpoint']),
    metadata: stateOf(fields['metadata'], 'metadata'),
    endpoints: endpointsOf(fields['endpoints']),
    scopes: textsAt(fields, 'scopes'),
    hosts: textsAt(fields, 'hosts'),
    memory: memoryOf(fields['memory']),
  };
  if (manifest.trackDeletes && manifest.checkpoint && manifest.syncType === 'incremental') {
    throw wrong(
      '`trackDeletes` goes with `checkpoint` only in a full sync: a run that fetches only what changed would delete all the rest.',
    );
  }
  return JSON.parse(JSON.stringify(manifest)) as Manifest;
}

type Fields = Record<string, unknown>;

const MAKERS: Record<string, string> = {
  action: 'an action (`createAction`)',
  onEvent: 'an event function (`createOnEvent`)',
  function: 'a function (`createFunction`)',
};

function fieldsOf(definition: unknown): Fields {
  if (definition === undefined) {
    throw wrong('The module has no default export. Write `export default createSync({ … })`.');
  }
  if (typeof definition !== 'object' || definition === null) {
    throw wrong(`The default export is ${kind(definition)}, not a sync. Write \`export default createSync({ … })\`.`);
  }
  const { type } = definition as Definition;
  if (type === 'sync' || type === 'tidegate-sync') return definition as unknown as Fields;
  const what = MAKERS[type];
  throw wrong(
    what === undefined
      ? 'The default export is no sync. Write `export default createSync({ … })`, or `export default sync({ … })` with `@tidegate/sdk`.'
      : `The default export is ${what}, and Tidegate runs syncs only.`,
  );
}

function modelsOf(models: unknown, isNango: boolean, ignore: unknown): Record<string, ManifestModel> {
  const entries = typeof models === 'object' && models !== null ? Object.entries(models) : [];
  if (entries.length === 0)
    throw wrong(
      '`models` names no model. A sync saves at least one: `models: { User: z.object({ id: z.string() }) }`.',
    );
  const ignored = ignoredOf(
    ignore,
    entries.map(([name]) => name),
  );
  return Object.fromEntries(entries.map(([name, model]) => [name, modelOf(name, model, isNango, ignored[name])]));
}

function modelOf(name: string, model: unknown, isNango: boolean, ignore: string[] | undefined): ManifestModel {
  word(name, `models.${name}`);
  const key = `\`models.${name}\``;
  if (!isObjectSchema(model))
    throw wrong(`${key} is ${kindOfSchema(model)}. A model is a zod object: \`z.object({ id: z.string(), … })\`.`);
  // A native sync saves what the schema makes of a record; one of Nango's saves it as it is.
  const schema = schemaOf(model, key, isNango ? 'input' : 'output');
  const properties = (schema['properties'] ?? {}) as Fields;
  if (!('id' in properties))
    throw wrong(`${key} has no \`id\`. Every record has one, text or number: \`id: z.string()\`.`);
  const required = (schema['required'] ?? []) as string[];
  if (!required.includes('id'))
    throw wrong(`${key} has an optional \`id\`. Every record has one; write \`id: z.string()\`.`);
  // Nango logs a record that does not fit its model, and saves it all the same.
  return { schema, ...(ignore && { ignore }), ...(isNango && { enforce: false as const }) };
}

function ignoredOf(ignore: unknown, models: string[]): Record<string, string[]> {
  if (ignore === undefined) return {};
  if (typeof ignore !== 'object' || ignore === null)
    throw wrong('`ignore` must name the fields of each model: `ignore: { User: ["seen_at"] }`.');
  for (const [name, fields] of Object.entries(ignore)) {
    if (!models.includes(name)) throw wrong(`\`ignore.${name}\` names no model; there is ${listed(models)}.`);
    if (!isTexts(fields)) throw wrong(`\`ignore.${name}\` must be a list of field names.`);
  }
  return ignore as Record<string, string[]>;
}

function frequencyOf(fields: Fields): string | undefined {
  const text = textAt(fields, 'frequency');
  if (text === undefined) return undefined;
  if (!FREQUENCY.test(text.trim().toLowerCase())) {
    throw wrong(
      `\`frequency\` is ${JSON.stringify(text)}, which says no interval. Write \`every hour\`, \`every 5 minutes\`, or \`cron: 0 6 * * 1\`.`,
    );
  }
  return text;
}

function syncTypeOf(fields: Fields): 'incremental' | 'full' {
  const given = fields['syncType'];
  // Where nothing is said, a sync is full, as it is with Nango.
  if (given === undefined) return 'full';
  if (given === 'incremental' || given === 'full') return given;
  throw wrong(`\`syncType\` is ${kind(given)}; it is \`full\` or \`incremental\`.`);
}

function checkpointOf(schema: unknown): JsonSchema | undefined {
  const json = stateOf(schema, 'checkpoint');
  for (const [name, property] of Object.entries((json?.['properties'] ?? {}) as Record<string, JsonSchema>)) {
    if (!isFlat(property)) {
      throw wrong(
        `\`checkpoint.${name}\` is not flat. A checkpoint holds strings, numbers and booleans: keep what is nested in a field each.`,
      );
    }
  }
  return json;
}

function isFlat(schema: JsonSchema): boolean {
  const types = ([] as unknown[]).concat(schema['type'] ?? []);
  const parts = [...((schema['anyOf'] ?? []) as JsonSchema[]), ...((schema['allOf'] ?? []) as JsonSchema[])];
  return !types.includes('object') && !types.includes('array') && parts.every(isFlat);
}

/** The schema of a checkpoint or metadata; none where there is none. */
function stateOf(schema: unknown, key: string): JsonSchema | undefined {
  if (schema === undefined || schema === null || zodType(schema) === 'void') return undefined;
  if (!isObjectSchema(schema))
    throw wrong(`\`${key}\` is ${kindOfSchema(schema)}; it must be a zod object: \`z.object({ … })\`.`);
  return schemaOf(schema, `\`${key}\``);
}

function schemaOf(schema: unknown, key: string, io: 'input' | 'output' = 'input'): JsonSchema {
  try {
    const made = toJSONSchema(schema as Parameters<typeof toJSONSchema>[0], {
      io,
      unrepresentable: 'any',
      cycles: 'ref',
    });
    const { $schema: _, '~standard': __, ...json } = made as JsonSchema;
    return json;
  } catch (cause) {
    throw wrong(`${key} has no JSON Schema: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function zodType(schema: unknown): string | undefined {
  const inner = (schema as { _zod?: { def?: { type?: unknown } } } | null | undefined)?._zod?.def?.type;
  return typeof inner === 'string' ? inner : undefined;
}

function isObjectSchema(schema: unknown): boolean {
  return zodType(schema) === 'object';
}

function kindOfSchema(schema: unknown): string {
  const type = zodType(schema);
  if (type !== undefined) return `a zod ${type}`;
  const isZod3 = typeof schema === 'object' && schema !== null && '_def' in schema;
  return isZod3 ? 'a schema of zod 3 (import zod 4: `import { z } from "zod"` with zod 4 installed)' : kind(schema);
}

function endpointsOf(endpoints: unknown): Manifest['endpoints'] {
  if (endpoints === undefined) return undefined;
  if (!Array.isArray(endpoints)) throw wrong('`endpoints` must be a list: `[{ method: "GET", path: "/users" }]`.');
  return endpoints.map((endpoint: Fields, index) => {
    const { method, path, group } = endpoint ?? {};
    if (typeof path !== 'string') throw wrong(`\`endpoints[${index}]\` has no \`path\`.`);
    return { method: typeof method === 'string' ? method : 'GET', path, ...(typeof group === 'string' && { group }) };
  });
}

function memoryOf(memory: unknown): number | undefined {
  if (memory === undefined) return undefined;
  if (typeof memory === 'number' && Number.isInteger(memory) && memory >= 2) return memory;
  throw wrong(`\`memory\` is ${kind(memory)}; it is the memory cap in MiB, a whole number from 2 on.`);
}

function textAt(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined || typeof value === 'string') return value;
  throw wrong(`\`${key}\` is ${kind(value)}; it must be a string.`);
}

function functionAt(fields: Fields, key: string): void {
  if (typeof fields[key] === 'function') return;
  throw wrong(`\`${key}\` is ${kind(fields[key])}; it must be the function that does a run's work.`);
}

function flagAt(fields: Fields, key: string): boolean | undefined {
  const value = fields[key];
  if (value === undefined || typeof value === 'boolean') return value;
  throw wrong(`\`${key}\` is ${kind(value)}; it must be true or false.`);
}

function textsAt(fields: Fields, key: string): string[] | undefined {
  const value = fields[key];
  if (value === undefined || isTexts(value)) return value;
  throw wrong(`\`${key}\` must be a list of strings.`);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function word(text: string, key: string): void {
  if (WORD.test(text)) return;
  throw wrong(`\`${key}\` is named ${JSON.stringify(text)}; a name has letters, digits, \`_\` and \`-\`, at most 255.`);
}

function listed(names: string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? 'undefined');
}

function wrong(message: string): DefinitionError {
  return new DefinitionError(message);
}
