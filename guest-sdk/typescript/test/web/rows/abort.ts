import type { Row } from '../rows.ts';

function heard(): unknown[] {
  const seen: unknown[] = [];
  const target = new EventTarget();
  const listener = (event: Event) => seen.push([event.type, event.target === target]);
  target.addEventListener('x', listener);
  target.addEventListener('x', listener);
  target.addEventListener('x', { handleEvent: (event) => event.preventDefault() });
  target.addEventListener('x', () => seen.push('once'), { once: true });
  seen.push(target.dispatchEvent(new Event('x', { cancelable: true })), target.dispatchEvent(new Event('x')));
  target.removeEventListener('x', listener);
  return [...seen, target.dispatchEvent(new Event('x'))];
}

export const rows: Row[] = [
  ['abort', () => { const c = new AbortController(); const seen: unknown[] = []; c.signal.addEventListener('abort', (e) => seen.push(e.type)); c.signal.onabort = () => seen.push('on'); c.abort(); c.abort(); return [c.signal.aborted, seen.sort(), (c.signal.reason as Error).name, (c.signal.reason as DOMException).code]; }],
  ['a reason', () => { const c = new AbortController(); c.abort('because'); return c.signal.reason; }],
  ['not aborted', () => { const { signal } = new AbortController(); signal.throwIfAborted(); return [signal.aborted, signal.reason]; }],
  ['throwIfAborted', () => AbortSignal.abort(new RangeError('x')).throwIfAborted()],
  ['any', () => { const [a, b] = [new AbortController(), new AbortController()]; const any = AbortSignal.any([a.signal, b.signal]); b.abort('b'); return [any.aborted, any.reason, a.signal.aborted]; }],
  ['any of one that is', () => AbortSignal.any([AbortSignal.abort('x')]).reason],
  ['any of none', () => AbortSignal.any([]).aborted],
  ['timeout', async () => { const signal = AbortSignal.timeout(20); const aborted = signal.aborted; const alive = setTimeout(() => {}, 500); await new Promise((resolve) => signal.addEventListener('abort', resolve)); clearTimeout(alive); return [aborted, signal.aborted, (signal.reason as Error).name]; }],
  ['listener with a signal', () => { const c = new AbortController(); const target = new EventTarget(); let calls = 0; target.addEventListener('x', () => calls++, { signal: c.signal }); target.dispatchEvent(new Event('x')); c.abort(); target.dispatchEvent(new Event('x')); return calls; }],
  ['events', heard],
  ['stop', () => { const target = new EventTarget(); const seen: number[] = []; target.addEventListener('x', (e) => { seen.push(1); e.stopImmediatePropagation(); }); target.addEventListener('x', () => seen.push(2)); target.dispatchEvent(new Event('x')); return seen; }],
  ['DOMException', () => { const e = new DOMException('m', 'NotFoundError'); return [e.name, e.message, e.code, e instanceof Error, String(e), new DOMException().name]; }],
  ['Blob', async () => { const blob = new Blob(['a', Uint8Array.of(98), new Blob(['c'])], { type: 'Text/Plain' }); return [blob.size, blob.type, await blob.text(), await blob.slice(1, 2).text(), await blob.arrayBuffer()]; }],
  ['Headers', () => { const h = new Headers({ 'Content-Type': 'a', 'X-B': ' b ' }); h.append('x-b', 'c'); h.set('Z', '1'); h.delete('z'); h.append('Set-Cookie', 'a=1'); h.append('set-cookie', 'b=2'); return [[...h], h.get('X-b'), h.get('no'), h.has('content-type'), h.getSetCookie()]; }],
  ['Headers, bad name', () => new Headers({ 'a b': 'c' })],
  ['Headers, bad value', () => new Headers({ a: 'b\nc' })],
  ['Response', async () => { const r = new Response('{"a":1}', { status: 201, headers: { 'x-a': 'b' } }); return [r.ok, r.status, r.headers.get('x-a'), r.headers.get('content-type'), await r.json(), r.bodyUsed]; }],
  ['Response.json', async () => { const r = Response.json({ a: 1 }); return [r.headers.get('content-type'), await r.text()]; }],
  ['Response clone', async () => { const r = new Response('x'); const c = r.clone(); return [await r.text(), await c.text()]; }],
  ['Response twice', async () => { const r = new Response('x'); await r.text(); return r.text(); }],
  ['Response of bytes', async () => new Response(Uint8Array.of(0xc3, 0xa4)).text()],
  ['Response status', () => new Response('', { status: 99 })],
  ['Request', async () => { const r = new Request('https://a.b/c', { method: 'post', body: new URLSearchParams('a=b c'), headers: { 'X-Y': 'z' } }); return [r.method, r.url, r.headers.get('content-type'), r.headers.get('x-y'), await r.text()]; }],
  ['Request of a Request', async () => { const r = new Request('https://a.b/c', { method: 'PUT', body: 'x', headers: { a: 'b' } }); const s = new Request(r, { headers: { c: 'd' } }); return [s.method, [...s.headers].filter(([name]) => name !== 'content-type'), await s.text()]; }],
  ['GET with a body', () => new Request('https://a.b/', { body: 'x' })],
  ['FormData', () => { const f = new FormData(); f.append('a', '1'); f.append('a', '2'); f.set('b', 3 as never); f.set('a', 'x'); return [[...f.entries()], f.get('a'), f.getAll('a'), f.has('c'), f.get('c')]; }],
  ['a form as body', async () => { const f = new FormData(); f.append('a"b', 'line\nline'); f.append('file', new Blob(['data'], { type: 'text/x' }), 'f.txt'); const text = await new Response(f).text(); return text.replace(/-{4,}[-\w]+?(?=\r|--\r)/g, 'BOUNDARY'); }],
];
