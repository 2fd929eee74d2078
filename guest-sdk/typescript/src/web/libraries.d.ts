/** Types of packages, and parts of packages, that come without. */

declare module 'whatwg-url/lib/url-state-machine.js' {
  /** A URL that was taken apart. */
  export interface Record {
    scheme: string;
    username: string;
    password: string;
    host: unknown;
    port: number | null;
    path: string | string[];
    query: string | null;
    fragment: string | null;
  }
  /** A part of a URL that can be parsed on its own. */
  export type Part =
    | 'scheme start'
    | 'host'
    | 'hostname'
    | 'port'
    | 'path start'
    | 'query'
    | 'fragment';
  interface Parser {
    basicURLParse(
      input: string,
      options?: { baseURL?: Record | undefined; url?: Record; stateOverride?: Part },
    ): Record | null;
    serializeURL(url: Record): string;
    serializeURLOrigin(url: Record): string;
    serializePath(url: Record): string;
    serializeHost(host: unknown): string;
    setTheUsername(url: Record, value: string): void;
    setThePassword(url: Record, value: string): void;
    cannotHaveAUsernamePasswordPort(url: Record): boolean;
    hasAnOpaquePath(url: Record): boolean;
  }
  const parser: Parser;
  export default parser;
}

declare module 'whatwg-url/lib/urlencoded.js' {
  const urlencoded: {
    parseUrlencodedString(text: string): [string, string][];
    serializeUrlencoded(pairs: [string, string][]): string;
  };
  export default urlencoded;
}

declare module '@ungap/structured-clone' {
  export function serialize(value: unknown): unknown[];
  export function deserialize(records: unknown[]): unknown;
}
