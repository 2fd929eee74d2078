/** An error with a payload of the author's, as actions answer it to an app. */
export class ActionError<T = Record<string, unknown>> extends Error {
  override readonly name = 'ActionError';
  /** The kind of error, always the same. */
  readonly type = 'action_script_runtime_error';
  /** What the author says. */
  payload?: T;

  constructor(payload?: T) {
    super();
    if (payload !== undefined) this.payload = payload;
  }
}
