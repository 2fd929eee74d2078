//! Imports that a component may name but not call: each is linked to a trap.
//!
//! `describe` gets the whole contract this way. Every guest gets WASI's sockets this way:
//! CPython's runtime imports them whether a sync uses them or not, and nothing behind the
//! names here can open one.

use super::state::RunState;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, ResourceType};

/// Start of the names of the contract's interfaces.
pub(super) const CONTRACT: &str = "tidegate:sync/";
/// Start of the names of WASI's socket interfaces.
pub(super) const SOCKETS: &str = "wasi:sockets/";

/// Resources that the trapping interfaces own. Others that they mention (`pollable`,
/// `input-stream`) come from interfaces that are really given.
const OWNED: &[&str] = &[
    "request",
    "pending",
    "response",
    "network",
    "tcp-socket",
    "udp-socket",
    "incoming-datagram-stream",
    "outgoing-datagram-stream",
    "resolve-address-stream",
];

/// Links every interface that `component` imports and whose name starts with `names` to
/// functions that trap with `why`.
pub(super) fn link(
    linker: &mut Linker<RunState>,
    component: &Component,
    names: &str,
    why: &'static str,
) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (name, import) in component.component_type().imports(engine) {
        if let ComponentItem::ComponentInstance(instance) = import.ty
            && name.starts_with(names)
        {
            link_instance(linker, component, name, &instance, why)?;
        }
    }
    Ok(())
}

fn link_instance(
    linker: &mut Linker<RunState>,
    component: &Component,
    name: &str,
    instance: &ComponentInstance,
    why: &'static str,
) -> wasmtime::Result<()> {
    let mut linked = linker.instance(name)?;
    for (item, export) in instance.exports(component.engine()) {
        match export.ty {
            ComponentItem::ComponentFunc(_) => {
                let called = format!("`{name}#{item}` was called, but {why}");
                linked.func_new(item, move |_, _, _, _| {
                    Err(wasmtime::Error::msg(called.clone()))
                })?;
            }
            ComponentItem::Resource(_) if OWNED.contains(&item) => {
                linked.resource(item, ResourceType::host::<()>(), |_, _| Ok(()))?;
            }
            _ => {}
        }
    }
    Ok(())
}
