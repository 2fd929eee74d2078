// One sync, once, in a fresh Node process: prints the CPU time that the sync itself took,
// from the reading of its module to the end of its run, and that of the whole process.
//
//   node --import tsx bench/node.ts BUNDLE BASE_URL

import { load } from '../runner/load.ts';
import { Connection, run } from '../runner/reference.ts';

const [bundle, baseUrl] = process.argv.slice(2) as [string, string];
const connection = new Connection();
connection.baseUrl = baseUrl;
connection.provider = 'unauthenticated';
const before = process.cpuUsage();
const definition = await load(bundle);
const { ended, message } = await run(definition, connection, { pastSoftLimit: false, killed: new Promise(() => {}) });
if (ended !== 'ok') throw new Error(message);
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ cpuMicros: user + system, rssBytes: process.memoryUsage().rss }));
process.exit(0);
