// Runs in a process of its own: imports the bundle that describes a sync, and sends what
// came of it to the build. The sync's own code runs here, so it may throw, hang or end
// the process; the build stands outside.

const [, , bundle] = process.argv;

process.on("uncaughtException", (error) => tell({ failed: "load", ...said(error) }));

// The sync's words are not the build's, whose standard output is for programs.
for (const each of ["log", "info", "warn", "error", "debug"]) {
  console[each] = () => {};
}

globalThis.fetch = () => globalThis[Symbol.for("tidegate.build.hostCall")]("fetch");

// The bundle names globals by marks; here they are Node's own.
for (const name of Object.getOwnPropertyNames(globalThis)) {
  const mark = `__tidegate_global_${name}`;
  Object.defineProperty(globalThis, mark, { get: () => globalThis[name], configurable: true });
}

const calls = [];
globalThis[Symbol.for("tidegate.build.hostCall")] = (name) => {
  const error = new Error(`${name} was called`);
  calls.push({ name, stack: error.stack });
  throw error;
};

try {
  const made = await import(bundle);
  let loaded;
  try {
    loaded = await made.load();
  } catch (error) {
    await tell({ failed: "load", ...said(error), call: calls[0] });
  }
  try {
    await tell({ manifest: made.describe(loaded) });
  } catch (error) {
    await tell({ failed: "describe", ...said(error), problems: error?.problems });
  }
} catch (error) {
  await tell({ failed: "bundle", ...said(error) });
}

function said(error) {
  return {
    name: String(error?.name ?? typeof error),
    message: String(error?.message ?? error),
    stack: String(error?.stack ?? ""),
  };
}

async function tell(outcome) {
  await new Promise((done) => process.send(outcome, done));
  process.exit(0);
}
