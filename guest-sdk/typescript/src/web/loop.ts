/**
 * What the glue of a component and its timers say to each other. A module of its own, so
 * that a sync without timers does not carry them.
 */

/** Facts of the run for whoever drives timers. */
export const loop = {
  /** The run is over: no timer fires any more, and nobody sleeps for one. */
  ended: false,
  /** Takes what a timer's function threw. Node would end the process. */
  uncaught: undefined as ((error: unknown) => void) | undefined,
};
