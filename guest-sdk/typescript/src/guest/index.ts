/** `@tidegate/sdk`: write a data sync in TypeScript. */
export { TidegateError } from './errors.ts';
