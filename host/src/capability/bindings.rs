//! What wasmtime generates from `wit/`, and nothing else. Which imports wait is settled
//! here: those are async host functions, so that a waiting guest holds no thread.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "imports",
    imports: {
        "tidegate:sync/fetch.[method]pending.wait": async | trappable,
        "tidegate:sync/records": async | trappable,
        "tidegate:sync/checkpoint": async | trappable,
        "tidegate:sync/metadata": async | trappable,
        "tidegate:sync/run.sleep": async | trappable,
        default: trappable,
    },
    with: {
        "tidegate:sync/fetch.request": crate::capability::fetch::Request,
        "tidegate:sync/fetch.pending": crate::capability::fetch::Pending,
        "tidegate:sync/fetch.response": crate::capability::fetch::Response,
    },
});
