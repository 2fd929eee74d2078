/** `global`, Node's old name for `globalThis`. */
export const global: typeof globalThis = globalThis;
