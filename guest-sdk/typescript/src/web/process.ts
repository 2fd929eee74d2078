/**
 * `process`: just so much that libraries which ask where they run get an answer. There is
 * no environment: secrets are the host's.
 */

/** Nanoseconds in a millisecond, and in a second. */
const [MS_NS, SECOND_NS] = [1_000_000, 1_000_000_000];

/** Seconds and nanoseconds of the host's clock, which counts whole milliseconds. */
function hrtime(before?: readonly [number, number]): [number, number] {
  const ns = Math.trunc(performance.now()) * MS_NS;
  const [seconds, rest] = [Math.trunc(ns / SECOND_NS), ns % SECOND_NS];
  if (!before) return [seconds, rest];
  const difference = (seconds - before[0]) * SECOND_NS + rest - before[1];
  return [Math.floor(difference / SECOND_NS), ((difference % SECOND_NS) + SECOND_NS) % SECOND_NS];
}
hrtime.bigint = (): bigint => BigInt(Math.trunc(performance.now())) * BigInt(MS_NS);

/** The process that there is none of. */
export const process = {
  env: {} as Record<string, string | undefined>,
  argv: [] as string[],
  execArgv: [] as string[],
  version: 'v20.0.0',
  versions: { node: '20.0.0' } as Record<string, string>,
  platform: 'linux',
  arch: 'wasm32',
  pid: 1,
  title: 'tidegate',
  exitCode: undefined as number | undefined,
  hrtime,
  uptime: (): number => performance.now() / 1000,
  cwd: (): string => '/',
  /** Calls after what runs now, before promises' functions that come later. */
  nextTick: (call: (...args: never[]) => unknown, ...args: unknown[]): void => {
    queueMicrotask(() => void call(...(args as never[])));
  },
  exit: (): never => {
    throw new Error('A sync cannot end its process. Return from its function, or throw an error.');
  },
  emitWarning: (): void => {},
  on: (): object => process,
  once: (): object => process,
  off: (): object => process,
  removeListener: (): object => process,
  emit: (): boolean => false,
};
