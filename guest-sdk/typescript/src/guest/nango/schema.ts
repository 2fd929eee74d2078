/** What a definition may be made of: zod schemas, and the types that are read off them. */
import type * as z from 'zod';

/** A model: an object with an `id`, text or number. */
export type ZodModel = z.ZodObject<{ id: z.ZodType<string> | z.ZodType<number> | z.ZodType<string | number> }>;

/** The connection's metadata: an object, or none. */
export type ZodMetadata = z.ZodObject | z.ZodVoid | undefined;

/** A checkpoint: an object of strings, numbers and booleans, or none. */
export type ZodCheckpoint = z.ZodObject | undefined;

/** A record of any model. */
export interface RawModel {
  [key: string]: unknown;
  id: string;
}

/** What has an id. */
export interface Identified {
  id: string | number;
}

/** What a call may return at once or as a promise. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * The type of a schema. `never` stands for a helper that takes the `nango` of any sync:
 * whatever it reads there fits.
 */
export type Inferred<T, None> = [T] extends [never] ? any : T extends z.ZodObject ? z.infer<T> : None;

/** The names of the models. */
export type ModelName<Models> = [Models] extends [never] ? string : keyof Models & string;

/** The record of a model. */
export type RecordOf<Models, Name> = [Models] extends [never]
  ? RawModel
  : Name extends keyof Models
    ? Models[Name] extends z.ZodType
      ? z.infer<Models[Name]>
      : RawModel
    : RawModel;

/**
 * `Record` if it may be one of `Model`: no field of the model is missing and none has a
 * type that the model's can never have. It asks for no more than that, because a provider's
 * looser types meet a model at run time, where records are checked in full.
 */
export type Fitting<Record, Model> = [Clashes<Record, Model>] extends [never]
  ? Record
  : { [Key in Clashes<Record, Model>]: Key extends keyof Model ? Model[Key] : never };

type Clashes<Record, Model> = 0 extends 1 & Record
  ? never
  : { [Key in KnownKeys<Model>]: Clash<Record, Model, Key> }[KnownKeys<Model>];

type Clash<Record, Model, Key extends keyof Model> = Key extends keyof Record
  ? [Overlap<Record[Key], Model[Key]>] extends [never]
    ? Key
    : never
  : string extends keyof Record
    ? never
    : undefined extends Model[Key]
      ? never
      : Key;

/** What two types have in common, `unknown` where either is open. */
type Overlap<A, B> = 0 extends 1 & A ? unknown : 0 extends 1 & B ? unknown : unknown extends A ? unknown : Common<A, B>;

type Common<A, B> = A extends object ? (Extract<B, object> extends never ? never : A) : A & B;

/** The keys that a type names, without an index signature. */
type KnownKeys<T> = keyof {
  [Key in keyof T as string extends Key ? never : number extends Key ? never : Key]: T[Key];
} &
  keyof T;
