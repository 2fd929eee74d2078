"""Calls every import of the contract once with valid arguments, and logs a line for
each: `called <interface>.<function>: ok`, or the error's code in the place of `ok`.
No SDK on purpose: this is what the bare contract looks like from Python."""

import json

import wit_world
from componentize_py_types import Err
from wit_world.imports import checkpoint, fetch, log, metadata, records
from wit_world.imports import run as facts

MODEL = "Item"

MANIFEST = {
    "name": "conformance-py",
    "version": "0.1.0",
    "description": "Calls every import once, from Python.",
    "models": {
        MODEL: {
            "schema": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
            }
        }
    },
    "frequency": "every hour",
    "checkpoint": {
        "type": "object",
        "required": ["page"],
        "properties": {"page": {"type": "integer"}},
    },
    "metadata": {"type": "object"},
}


class WitWorld(wit_world.WitWorld):
    def describe(self) -> str:
        return json.dumps(MANIFEST)

    def run(self) -> None:
        log.emit(log.Level.DEBUG, "called log.emit: ok", json.dumps({"engine": "cpython"}))
        call_run()
        call_metadata()
        call_checkpoint()
        call_records()
        call_fetch()


def called(name, call, *arguments):
    """Calls `call`, logs how it went, and gives on what it gave."""
    outcome = "ok"
    try:
        return call(*arguments)
    except Err as error:
        outcome = error.value.code
        raise
    finally:
        log.emit(log.Level.INFO, f"called {name}: {outcome}", "")


def line(id: str, name: str) -> str:
    """A record as one line of NDJSON."""
    return json.dumps({"id": id, "name": name}) + "\n"


def call_run() -> None:
    for name in [
        "id", "connection-id", "integration", "sync-name", "variant", "trigger", "attempt",
        "started-at", "deadline", "memory-limit-kib", "memory-used-kib", "connection-config",
    ]:
        called(f"run.{name}", getattr(facts, name.replace("-", "_")))
    called("run.sleep", facts.sleep, 1)
    called("run.progress", facts.progress, "under way", 1, 2)


def call_metadata() -> None:
    json.loads(called("metadata.get", metadata.get))
    called("metadata.set", metadata.set, '{"from":"py"}')
    called("metadata.merge", metadata.merge, '{"more":true}')


def call_checkpoint() -> None:
    called("checkpoint.get", checkpoint.get)
    called("checkpoint.save", checkpoint.save, '{"page":1}')
    called("checkpoint.clear", checkpoint.clear)


def call_records() -> None:
    override = records.MergingStrategy.OVERRIDE
    called("records.set-merging-strategy", records.set_merging_strategy, MODEL, override)
    called("records.track-deletes-start", records.track_deletes_start, MODEL)
    called("records.batch-save", records.batch_save, MODEL, line("a", "one").encode())
    called("records.batch-save-text", records.batch_save_text, MODEL, line("b", "zwei ü"))
    called("records.batch-update", records.batch_update, MODEL, line("a", "uno").encode())
    called("records.batch-update-text", records.batch_update_text, MODEL, line("b", "dos"))
    called("records.get", records.get, MODEL, ["a", "none"])
    called("records.list", records.list, MODEL, None, 10)
    called("records.batch-delete", records.batch_delete, MODEL, ["b"])
    called("records.track-deletes-end", records.track_deletes_end, MODEL)


def call_fetch() -> None:
    other = called("fetch.request", fetch.Request, "POST", "/items")
    called("fetch.request.set-body", other.set_body, b"{}")
    called("fetch.request.set-body-text", other.set_body_text, "{}")
    called("fetch.request.set-base-url", other.set_base_url, "https://example.com")

    request = fetch.Request("GET", "/items")
    called("fetch.request.set-header", request.set_header, "x-conformance", "py")
    called("fetch.request.set-query", request.set_query, "page", "1")
    called("fetch.request.set-timeout-ms", request.set_timeout_ms, 5000)
    called("fetch.request.set-retries", request.set_retries, 0)
    called("fetch.request.set-retry-on", request.set_retry_on, [418])
    pending = called("fetch.send", fetch.send, request)
    response = called("fetch.pending.wait", pending.wait)
    called("fetch.response.status", response.status)
    called("fetch.response.headers", response.headers)
    called("fetch.response.header", response.header, "Content-Type")
    called("fetch.response.url", response.url)
    called("fetch.response.read", response.read, 1)
    called("fetch.response.text", response.text)
    called("fetch.response.body", response.body)
