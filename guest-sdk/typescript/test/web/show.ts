/** An outcome as text that tells apart what JSON does not. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'function';
    case 'object':
      return value === null ? 'null' : showObject(value);
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

function showObject(value: object): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof RegExp) return String(value);
  if (value instanceof Map) return `Map${show([...value])}`;
  if (value instanceof Set) return `Set${show([...value])}`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer${show([...new Uint8Array(value)])}`;
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `Bytes[${bytes.join(',')}]`;
  }
  if (Array.isArray(value)) return `[${Array.from(value, show).join(',')}]`;
  const entries = Object.entries(value).map(([key, each]) => `${key}:${show(each)}`);
  return `{${entries.join(',')}}`;
}
