import { bundle } from './bundle.ts';
import { runInEngine, DESCRIBE } from './engine.ts';
for (const [n,pre,body] of [['empty','',''],['URL','','URL'],['usm',"import u from 'whatwg-url/lib/url-state-machine.js'; import * as q from 'whatwg-url/lib/urlencoded.js'",'u;q']]) for (const min of [false,true]) {
const t = await bundle(`${pre};${DESCRIBE}; import {emit} from 'tidegate:sync/log@0.1.0'; export async function run() { emit('info','x',''); ${body} }`, 'engine', min);
const r = await runInEngine(t); console.log(n, min, t.length, r.peakBytes);
}
