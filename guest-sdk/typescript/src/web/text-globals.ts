/**
 * Sets `TextEncoder` and `TextDecoder` where the engine has none. Only for a library that
 * uses them as soon as it is imported: import this before it.
 */

import { TextDecoder, TextEncoder } from './encoding.ts';

globalThis.TextEncoder ??= TextEncoder as typeof globalThis.TextEncoder;
globalThis.TextDecoder ??= TextDecoder as unknown as typeof globalThis.TextDecoder;
