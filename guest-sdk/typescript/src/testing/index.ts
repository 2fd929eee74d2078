/**
 * A host for tests on Node, without a component. Its module hooks must be in place before
 * the SDK is loaded: `node --import tsx --import @tidegate/sdk/testing/register --test`.
 */
export { TestHost } from './host.ts';
export type { LogLine, Outcome, ProgressLine } from './host.ts';
export { Trap } from './imports.ts';
export { registerHost } from './register.ts';
export { failure, json, status, text } from './reply.ts';
export type { Answer, Reply, Sent } from './reply.ts';
