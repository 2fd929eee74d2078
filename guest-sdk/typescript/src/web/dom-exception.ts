/** `DOMException`: the error class of the web platform, told apart by its `name`. */

/** Old number codes by name; 0 for names that have none. Source: WebIDL. */
const CODES: Readonly<Record<string, number>> = {
  IndexSizeError: 1, NotFoundError: 8, NotSupportedError: 9, InvalidStateError: 11, SyntaxError: 12,
  InvalidAccessError: 15, TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20,
  QuotaExceededError: 22, TimeoutError: 23, DataCloneError: 25,
};

/** An error of the web platform. */
export class DOMException extends Error {
  override readonly name: string;

  constructor(message: string = '', options: string | { name?: string; cause?: unknown } = 'Error') {
    const { name = 'Error', cause } = typeof options === 'string' ? { name: options } : options;
    super(message, cause === undefined ? undefined : { cause });
    this.name = name;
    Object.defineProperty(this, 'name', { enumerable: false });
  }

  get code(): number {
    return CODES[this.name] ?? 0;
  }

  get [Symbol.toStringTag](): string {
    return 'DOMException';
  }
}
