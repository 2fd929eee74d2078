/** `FormData`: fields of a form, sent as multipart/form-data. */

import { Blob } from './blob.ts';
import { randomUUID } from './random.ts';

type Value = string | Blob;

interface Field {
  name: string;
  value: Value;
  fileName: string | undefined;
}

let fieldsOf: (form: FormData) => readonly Field[];

/** Fields of a form, in order; a name may be there more than once. */
export class FormData {
  #fields: Field[] = [];

  static {
    fieldsOf = (form) => form.#fields;
  }

  append(name: string, value: unknown, fileName?: string): void {
    this.#fields.push(field(name, value, fileName));
  }

  set(name: string, value: unknown, fileName?: string): void {
    const at = this.#fields.findIndex((each) => each.name === name);
    const rest = this.#fields.filter((each) => each.name !== name);
    rest.splice(at < 0 ? rest.length : at, 0, field(name, value, fileName));
    this.#fields = rest;
  }

  delete(name: string): void {
    this.#fields = this.#fields.filter((each) => each.name !== name);
  }

  get(name: string): Value | null {
    return this.#fields.find((each) => each.name === name)?.value ?? null;
  }

  getAll(name: string): Value[] {
    return this.#fields.filter((each) => each.name === name).map((each) => each.value);
  }

  has(name: string): boolean {
    return this.#fields.some((each) => each.name === name);
  }

  *entries(): IterableIterator<[string, Value]> {
    for (const { name, value } of this.#fields) yield [name, value];
  }

  [Symbol.iterator](): IterableIterator<[string, Value]> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return 'FormData';
  }
}

function field(name: string, value: unknown, fileName: string | undefined): Field {
  if (value instanceof Blob) return { name, value, fileName: fileName ?? 'blob' };
  return { name: String(name), value: String(value), fileName: undefined };
}

/** The form as a body, with its content type. Source: RFC 7578, and the HTML standard. */
export function multipart(form: FormData): Blob {
  const boundary = `----tidegate-${randomUUID()}`;
  const quoted = (text: string) =>
    text.replace(/\r?\n|\r/g, '%0D%0A').replace(/"/g, '%22');
  const parts = fieldsOf(form).flatMap(({ name, value, fileName }) => {
    const file = fileName === undefined ? '' : `; filename="${quoted(fileName)}"`;
    const type = typeof value === 'string' ? '' : `Content-Type: ${value.type || 'application/octet-stream'}\r\n`;
    const text = typeof value === 'string' ? value.replace(/\r?\n|\r/g, '\r\n') : value;
    return [
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"${file}\r\n${type}\r\n`,
      text,
      '\r\n',
    ];
  });
  const type = `multipart/form-data; boundary=${boundary}`;
  return new Blob([...parts, `--${boundary}--\r\n`], { type });
}
