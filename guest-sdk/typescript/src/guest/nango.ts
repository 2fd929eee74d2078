/**
 * What `import … from 'nango'` gives: syncs written for Nango run unmodified. New ones are
 * better written with `import { sync } from '@tidegate/sdk'`.
 */
export { ActionError } from './nango/action-error.ts';
export type { Connection, EnvironmentVariable, Integration } from './nango/connection.ts';
export { createAction, createFunction, createOnEvent, createSync } from './nango/define.ts';
export type {
  CreateActionProps,
  CreateActionResponse,
  CreateAnyResponse,
  CreateFunctionResponse,
  CreateOnEventProps,
  CreateOnEventResponse,
  CreateSyncProps,
  CreateSyncResponse,
  Endpoint,
} from './nango/define.ts';
export type {
  AxiosResponse,
  CursorPagination,
  LinkPagination,
  OffsetPagination,
  Pagination,
  ProxyConfiguration,
} from './nango/http.ts';
export { ProxyError } from './nango/http.ts';
export type { NangoAction, NangoSync, SdkLogger, UserLogParameters } from './nango/nango.ts';
export type { RawModel, ZodCheckpoint, ZodMetadata, ZodModel } from './nango/schema.ts';
export { BASE_VARIANT } from './nango/sdk.ts';
export { TidegateError } from './errors.ts';
