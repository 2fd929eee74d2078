// Deep equality that says where two values differ.

/** What may differ without being a difference. */
export interface Leeway {
  /** Times within `CLOCK_LEEWAY_MS` of each other are equal. */
  clock?: boolean;
}

/** The two runs of a scenario lie seconds apart; on a busy machine a minute or two. */
const CLOCK_LEEWAY_MS = 10 * 60_000;

/** At most this many places are named; the rest is counted. */
const NAMED_MAX = 5;

const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?$/;

/** Where `node` and `component` differ, a line for each place; nothing if nowhere. */
export function differences(node: unknown, component: unknown, leeway: Leeway): string[] {
  const found: string[] = [];
  walk(node, component, '', leeway, found);
  if (found.length <= NAMED_MAX) return found;
  return [...found.slice(0, NAMED_MAX), `and ${found.length - NAMED_MAX} more`];
}

function walk(node: unknown, component: unknown, path: string, leeway: Leeway, found: string[]): void {
  if (Object.is(node, component) || (leeway.clock && sameTime(node, component))) return;
  if (!isObject(node) || !isObject(component) || Array.isArray(node) !== Array.isArray(component)) {
    found.push(`${path || 'all'}: ${show(node)} on Node, ${show(component)} in the component`);
    return;
  }
  for (const key of new Set([...Object.keys(node), ...Object.keys(component)])) {
    walk(node[key], component[key], path ? `${path}.${key}` : key, leeway, found);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Two moments, as text or as milliseconds or seconds since 1970, that are about the same. */
function sameTime(a: unknown, b: unknown): boolean {
  const [first, second] = [moment(a), moment(b)];
  if (first === undefined || second === undefined) return false;
  const leeway = typeof a === 'string' && a.length === 10 ? 86_400_000 : CLOCK_LEEWAY_MS;
  return Math.abs(first - second) <= leeway;
}

function moment(value: unknown): number | undefined {
  if (typeof value === 'string' && TIME.test(value)) return Date.parse(value);
  const number = typeof value === 'string' && /^\d{10,13}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || number < 1e9) return undefined;
  return number > 1e12 ? number : number * 1000;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
