// Calls every import of the contract once with valid arguments, and logs a line for
// each: `called <interface>.<function>: ok`, or the error's code in the place of `ok`.
// No SDK on purpose: this is what the bare contract looks like from QuickJS.

import * as checkpoint from "tidegate:sync/checkpoint@0.1.0";
import * as fetch from "tidegate:sync/fetch@0.1.0";
import * as log from "tidegate:sync/log@0.1.0";
import * as metadata from "tidegate:sync/metadata@0.1.0";
import * as records from "tidegate:sync/records@0.1.0";
import * as facts from "tidegate:sync/run@0.1.0";

const MANIFEST = {
  name: "conformance-qjs",
  version: "0.1.0",
  description: "Calls every import once, from QuickJS.",
  models: {
    Item: {
      schema: {
        type: "object",
        required: ["id", "name"],
        properties: { id: { type: "string" }, name: { type: "string" } },
      },
    },
  },
  frequency: "every hour",
  checkpoint: { type: "object", required: ["page"], properties: { page: { type: "integer" } } },
  metadata: { type: "object" },
};

export function describe() {
  return JSON.stringify(MANIFEST);
}

/** Runs `call`, logs how it went, and gives on what it gave. */
function called(name, call) {
  let outcome = "ok";
  try {
    return call();
  } catch (thrown) {
    // An error of the contract arrives as a payload; anything else is a mistake here.
    outcome = thrown?.payload?.code ?? `${thrown}`;
    throw thrown?.payload ?? thrown;
  } finally {
    log.emit("info", `called ${name}: ${outcome}`, "");
  }
}

/** A record as one line of NDJSON. */
function line(id, name) {
  return JSON.stringify({ id, name }) + "\n";
}

/** Bytes of ASCII text: QuickJS has no TextEncoder. */
function bytes(text) {
  return Uint8Array.from(text, (each) => each.charCodeAt(0));
}

export async function run() {
  log.emit("debug", "called log.emit: ok", JSON.stringify({ engine: "quickjs" }));
  callRun();
  callMetadata();
  callCheckpoint();
  callRecords();
  await callFetch();
}

function callRun() {
  const plain = {
    "id": facts.id,
    "connection-id": facts.connectionId,
    "integration": facts.integration,
    "sync-name": facts.syncName,
    "variant": facts.variant,
    "trigger": facts.trigger,
    "attempt": facts.attempt,
    "started-at": facts.startedAt,
    "deadline": facts.deadline,
    "memory-limit-kib": facts.memoryLimitKib,
    "memory-used-kib": facts.memoryUsedKib,
    "connection-config": facts.connectionConfig,
  };
  for (const [name, call] of Object.entries(plain)) {
    called(`run.${name}`, () => call());
  }
  called("run.sleep", () => facts.sleep(1));
  called("run.progress", () => facts.progress("under way", 1, 2));
}

function callMetadata() {
  called("metadata.get", () => JSON.parse(metadata.get()));
  called("metadata.set", () => metadata.set('{"from":"qjs"}'));
  called("metadata.merge", () => metadata.merge('{"more":true}'));
}

function callCheckpoint() {
  called("checkpoint.get", () => checkpoint.get());
  called("checkpoint.save", () => checkpoint.save('{"page":1}'));
  called("checkpoint.clear", () => checkpoint.clear());
}

function callRecords() {
  const model = "Item";
  called("records.set-merging-strategy", () => records.setMergingStrategy(model, "override"));
  called("records.track-deletes-start", () => records.trackDeletesStart(model));
  called("records.batch-save", () => records.batchSave(model, bytes(line("a", "one"))));
  called("records.batch-save-text", () => records.batchSaveText(model, line("b", "zwei ü")));
  called("records.batch-update", () => records.batchUpdate(model, bytes(line("a", "uno"))));
  called("records.batch-update-text", () => records.batchUpdateText(model, line("b", "dos")));
  called("records.get", () => records.get(model, ["a", "none"]));
  called("records.list", () => records.list(model, undefined, 10));
  called("records.batch-delete", () => records.batchDelete(model, ["b"]));
  called("records.track-deletes-end", () => records.trackDeletesEnd(model));
}

async function callFetch() {
  const other = called("fetch.request", () => new fetch.Request("POST", "/items"));
  called("fetch.request.set-body", () => other.setBody(bytes("{}")));
  called("fetch.request.set-body-text", () => other.setBodyText("{}"));
  called("fetch.request.set-base-url", () => other.setBaseUrl("https://example.com"));

  const request = new fetch.Request("GET", "/items");
  called("fetch.request.set-header", () => request.setHeader("x-conformance", "qjs"));
  called("fetch.request.set-query", () => request.setQuery("page", "1"));
  called("fetch.request.set-timeout-ms", () => request.setTimeoutMs(5000));
  called("fetch.request.set-retries", () => request.setRetries(0));
  called("fetch.request.set-retry-on", () => request.setRetryOn([418]));
  const pending = called("fetch.send", () => fetch.send(request));
  const response = called("fetch.pending.wait", () => pending.wait());
  called("fetch.response.status", () => response.status());
  called("fetch.response.headers", () => response.headers());
  called("fetch.response.header", () => response.header("Content-Type"));
  called("fetch.response.url", () => response.url());
  called("fetch.response.read", () => response.read(1));
  called("fetch.response.text", () => response.text());
  called("fetch.response.body", () => response.body());
}
