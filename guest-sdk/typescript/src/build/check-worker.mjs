// The type check in a thread of its own, beside the bundling: TypeScript is half of a
// build's time.

import { register } from "tsx/esm/api";
import { parentPort, workerData } from "node:worker_threads";

register();
const { check } = await import("./check.ts");
const started = performance.now();
const problems = check(workerData.project, workerData.entries);
parentPort.postMessage({ problems, milliseconds: performance.now() - started });
