/** Values checked by a zod schema, with a message that names the place. */
import type * as z from 'zod';

/** Issues of one value that are told; more say nothing new. */
const ISSUES_MAX = 3;

/** The value as the schema makes it; `fail` makes an error of why it does not fit. */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  fail: (why: string) => Error,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => {
    const place = pathText(path);
    return place === '' ? message : `\`${place}\`: ${message}`;
  });
  const more = issues.length > ISSUES_MAX ? ` and ${issues.length - ISSUES_MAX} more` : '';
  throw fail(issues.slice(0, ISSUES_MAX).join('; ') + more);
}

function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return parts.join('').replace(/^\./, '');
}
