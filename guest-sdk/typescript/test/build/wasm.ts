/** The custom sections of a component, read as the binary format of wasm writes them. */

/** Name and content of each custom section at the top of `wasm`, in order. */
export function customSections(wasm: Uint8Array): [name: string, content: Uint8Array][] {
  const found: [string, Uint8Array][] = [];
  // Eight bytes of magic and version come first.
  for (let at = 8; at < wasm.length; ) {
    const id = wasm[at];
    const [size, start] = leb128(wasm, at + 1);
    at = start + size;
    if (id === 0) {
      const [length, name] = leb128(wasm, start);
      found.push([
        Buffer.from(wasm.subarray(name, name + length)).toString(),
        wasm.subarray(name + length, at),
      ]);
    }
  }
  return found;
}

function leb128(bytes: Uint8Array, start: number): [value: number, next: number] {
  let value = 0;
  for (let at = start, scale = 1; ; at++, scale *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at + 1];
  }
}
