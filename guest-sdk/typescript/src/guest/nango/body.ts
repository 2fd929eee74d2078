/** The body of a request: what axios makes of `data`, by its kind and the content type. */
import { json } from '../check.ts';
import { refused } from '../errors.ts';
import { form, isParams } from './query.ts';

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
const MULTIPART = 'multipart/form-data';

/** What stands between the parts of a multipart body, if no field holds it. */
const BOUNDARY = '----tidegate-form-boundary';

/** The body for `data`; sets the content type in `headers` where none is. */
export function bodyOf(data: unknown, headers: Map<string, string>): string | Uint8Array {
  const type = headers.get('content-type') ?? '';
  const setType = (mime: string) => {
    if (type === '') headers.set('content-type', mime);
  };
  if (data instanceof Uint8Array) return bytesOf(data, setType);
  if (data instanceof ArrayBuffer) return bytesOf(new Uint8Array(data), setType);
  if (isParams(data)) {
    setType(`${FORM};charset=utf-8`);
    return data.toString();
  }
  if (typeof data === 'string') {
    setType(FORM);
    return type.includes(JSON_TYPE) ? jsonText(data) : data;
  }
  if (typeof data === 'object' && data !== null && type.includes(FORM)) return form(data);
  if (typeof data === 'object' && data !== null && type.startsWith(MULTIPART)) return multipart(data, headers);
  setType(JSON_TYPE);
  return json(data, 'The body');
}

function bytesOf(bytes: Uint8Array, setType: (mime: string) => void): Uint8Array {
  setType(FORM);
  return bytes;
}

/** Text under a JSON content type: as it is if it is JSON, else as a JSON string. */
function jsonText(text: string): string {
  try {
    JSON.parse(text);
    return text.trim();
  } catch {
    return JSON.stringify(text);
  }
}

function multipart(fields: object, headers: Map<string, string>): string {
  const parts = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const texts = parts.map(([name, value]) => [name, partText(value)] as const);
  let boundary = BOUNDARY;
  while (texts.some(([, value]) => value.includes(boundary))) boundary += '-';
  headers.set('content-type', `${MULTIPART}; boundary=${boundary}`);
  const written = texts.map(([name, value]) => {
    const quoted = name.replace(/"/g, '%22').replace(/[\r\n]/g, ' ');
    return `--${boundary}\r\nContent-Disposition: form-data; name="${quoted}"\r\n\r\n${value}\r\n`;
  });
  return `${written.join('')}--${boundary}--\r\n`;
}

function partText(value: unknown): string {
  if (value instanceof Uint8Array) {
    throw refused('A multipart form is sent as text; bytes go as the whole body, not as a field.');
  }
  return typeof value === 'object' ? json(value, 'A field of the form') : String(value);
}
