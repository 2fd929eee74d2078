// One sync, once, in a fresh Node process: prints the CPU time from the reading of its
// module to the end of its run, and that of the whole process. Bundled before it is started, so that nothing is compiled
// from TypeScript in that time.
//
//   node node.mjs BUNDLE BASE_URL

import { getProvider } from '@nangohq/providers';
import { pathToFileURL } from 'node:url';
import { Connection, type Definition, run } from '../runner/reference.ts';

const [bundle, baseUrl] = process.argv.slice(2) as [string, string];
const connection = new Connection();
connection.baseUrl = baseUrl;
connection.provider = 'unauthenticated';
// Reads Nango's list of providers, 200 ms once in a process: none of a sync's work.
getProvider(connection.provider);
const before = process.cpuUsage();
const module = (await import(pathToFileURL(bundle).href)) as { default: Definition };
const { ended, message } = await run(module.default, connection, { pastSoftLimit: false, killed: new Promise(() => {}) });
if (ended !== 'ok') throw new Error(message);
const micros = ({ user, system }: NodeJS.CpuUsage) => user + system;
console.log(JSON.stringify({ cpuMicros: micros(process.cpuUsage(before)), wholeMicros: micros(process.cpuUsage()) }));
process.exit(0);
