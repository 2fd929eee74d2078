/** `@tidegate/sdk`: write a data sync in TypeScript. Begin with {@link sync}. */
export { TidegateError } from './errors.ts';
export type { Level } from './log.ts';
export type { CountPaging, ItemOptions, Page, PageOptions, Paging, PagingBase } from './paginate.ts';
export type { Id, MergingStrategy, Saved } from './records.ts';
export { HttpError, Response } from './request.ts';
export type { QueryValue, RequestOptions } from './request.ts';
export type { Memory, Trigger } from './run.ts';
export { Run, sync } from './sync.ts';
export type {
  DeepPartial,
  DeletePass,
  Logger,
  Model,
  Models,
  Patch,
  StateInput,
  StateOf,
  Sync,
  SyncProps,
} from './sync.ts';
export { PROGRESS_FIELD, addMonths, civilDate, midnight, windows } from './window.ts';
export type { CivilDate, Every, Progress, Window } from './window.ts';
