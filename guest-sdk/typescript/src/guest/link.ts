/** The `Link` header (RFC 8288), and the few things about URLs that paging needs. */

/** A target in angle brackets and the parameters behind it. */
const LINK = /<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*=\s*(?:"[^"]*"|[^",;]*))*)/g;

/** One parameter: its name, and its value with or without quotes. */
const PARAMETER = /;\s*([^\s=;,]+)\s*=\s*(?:"([^"]*)"|([^\s",;]*))/g;

/** The URL that the header gives for a relation, such as `next`. */
export function linkIn(header: string | undefined, relation: string): string | undefined {
  for (const [, url, parameters] of (header ?? '').matchAll(LINK)) {
    for (const [, name, quoted, plain] of (parameters ?? '').matchAll(PARAMETER)) {
      const relations = (quoted ?? plain ?? '').split(/\s+/);
      if (name?.toLowerCase() === 'rel' && relations.includes(relation)) return url;
    }
  }
  return undefined;
}

/** The origin of an absolute URL and what comes after it; none for a relative one. */
export function splitOrigin(url: string): [origin: string, rest: string] | undefined {
  const match = /^\s*(https?:)\/\/(?:[^/?#@]*@)?([^/?#]+)([^#]*)/i.exec(url);
  if (match === null) return undefined;
  const [, scheme = '', host = '', rest = ''] = match;
  const path = rest.trim();
  return [`${scheme.toLowerCase()}//${host}`, path.startsWith('/') ? path : `/${path}`];
}
