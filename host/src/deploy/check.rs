//! The structural check of a component, before Cranelift sees it: form, sizes, imports
//! and exports. Cranelift's time is quadratic in nesting (59 KiB of loops cost 19 s) and
//! instance state is invisible to any memory limiter, so both are bounded here.

use crate::error::{Code, Error, Result};
use crate::limits::{self as limit, MIB};
use crate::model::{SourceMap, nearest};
use std::ops::Range;
use wasmparser::{
    ComponentTypeRef, Encoding, FunctionBody, MemoryType, Operator, Parser, Payload, Validator,
    WasmFeatures,
};

/// Bytes of a page of linear memory.
const WASM_PAGE_BYTES: u64 = 64 * limit::KIB;
/// Bytes of the header that tells modules and components apart.
const HEADER_BYTES: usize = 8;

/// What the check learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// What the component imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Core modules in it.
    pub modules: usize,
    /// Core instances it declares.
    pub instances: usize,
    /// Functions in all modules.
    pub functions: u64,
    /// The largest function body in bytes.
    pub largest_body_bytes: usize,
    /// What its memories start with, in bytes, once for each module.
    pub initial_memory_bytes: u64,
    /// Where its source map lies in the file, if it has one.
    pub source_map: Option<Range<usize>>,
}

/// Interfaces of WASI 0.2 that guests may import. `wasi:http` is missing on purpose: it
/// would go round the egress gate. `wasi:sockets` would as well and is never given, but
/// CPython's runtime imports it always, so it may be named; to call it is a trap.
const WASI: &[&str] = &[
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];
/// Interfaces of the contract.
const CONTRACT: &[&str] = &[
    "types",
    "fetch",
    "records",
    "checkpoint",
    "metadata",
    "log",
    "run",
];
/// The contract's package, up to an interface's name.
const PACKAGE: &str = "tidegate:sync/";
/// The track of versions that this host serves.
const TRACK: &str = "@0.1.";

/// Checks a component's structure.
pub fn check(bytes: &[u8]) -> Result<Structure> {
    form(bytes)?;
    let mut structure = Structure::default();
    let mut depth = 0usize;
    let features = WasmFeatures::default() | WasmFeatures::CM_ASYNC;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| {
            rejected(format!(
                "it is damaged at byte {}: {}",
                error.offset(),
                error.message()
            ))
        })?;
        match &payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        structure.take_in(payload, depth)?;
    }
    // Only now: validation is not free, and the bounds above keep it cheap.
    Validator::new_with_features(features)
        .validate_all(bytes)
        .map_err(|error| {
            rejected(format!(
                "it is not valid at byte {}: {}",
                error.offset(),
                error.message()
            ))
        })?;
    structure
        .imports
        .iter()
        .try_for_each(|import| known_import(import))?;
    for export in ["describe", "run"] {
        if !structure.exports.iter().any(|name| name == export) {
            return Err(rejected(format!(
                "it exports no `{export}`; build it for the world `sync-guest` or `sync-guest-blocking` of `tidegate:sync@0.1.0`"
            )));
        }
    }
    Ok(structure)
}

/// Whether the bytes are a component in binary form at all, and what they are if not.
fn form(bytes: &[u8]) -> Result<()> {
    if bytes.len() > limit::COMPONENT_BYTES_MAX {
        let (has, most) = (
            bytes.len() as u64 / MIB,
            limit::COMPONENT_BYTES_MAX as u64 / MIB,
        );
        return Err(rejected(format!("it has {has} MiB, limit {most}")));
    }
    if bytes.is_empty() {
        return Err(rejected("the file is empty".into()));
    }
    if bytes.trim_ascii_start().starts_with(b"(") {
        return Err(rejected(
            "it is in text form; assemble it to a binary component first".into(),
        ));
    }
    if Parser::is_core_wasm(bytes) {
        return Err(rejected(
            "it is a core module, not a component; build it for the target wasm32-wasip2, or wrap it as a component".into(),
        ));
    }
    if !Parser::is_component(bytes) {
        let start = bytes
            .get(..HEADER_BYTES.min(bytes.len()))
            .unwrap_or_default();
        return Err(rejected(format!(
            "it is not WebAssembly: it starts with {start:02x?}"
        )));
    }
    Ok(())
}

impl Structure {
    fn take_in(&mut self, payload: Payload<'_>, depth: usize) -> Result<()> {
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => {
                self.modules += 1;
                within(
                    "core modules",
                    self.modules as u64,
                    limit::COMPONENT_MODULES_MAX as u64,
                )
            }
            Payload::InstanceSection(section) => {
                self.instances += section.count() as usize;
                within(
                    "core instances",
                    self.instances as u64,
                    limit::COMPONENT_INSTANCES_MAX as u64,
                )
            }
            Payload::GlobalSection(section) => within(
                "globals in one module",
                section.count().into(),
                limit::MODULE_GLOBALS_MAX.into(),
            ),
            Payload::FunctionSection(section) => {
                self.functions += u64::from(section.count());
                within(
                    "functions in one module",
                    section.count().into(),
                    limit::MODULE_FUNCTIONS_MAX.into(),
                )
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memory(memory.map_err(damaged)?)?;
                }
                Ok(())
            }
            Payload::CodeSectionEntry(body) => self.body(&body),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(damaged)?;
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        self.imports.push(import.name.name.to_owned());
                    }
                }
                Ok(())
            }
            Payload::CustomSection(section)
                if depth == 0 && section.name() == SourceMap::SECTION =>
            {
                let start = section.data_offset();
                let range = start..start.saturating_add(section.data().len());
                self.source_map.get_or_insert(range);
                Ok(())
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    self.exports
                        .push(export.map_err(damaged)?.name.name.to_owned());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn memory(&mut self, memory: MemoryType) -> Result<()> {
        if memory.shared || memory.memory64 {
            return Err(rejected(
                "it has a shared or a 64-bit memory, which this host does not run".into(),
            ));
        }
        self.initial_memory_bytes = self
            .initial_memory_bytes
            .saturating_add(memory.initial.saturating_mul(WASM_PAGE_BYTES));
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<()> {
        let bytes = body.range().len();
        self.largest_body_bytes = self.largest_body_bytes.max(bytes);
        within(
            "bytes in one function body",
            bytes as u64,
            limit::FUNCTION_BODY_BYTES_MAX as u64,
        )?;
        let mut locals = 0u64;
        for group in body.get_locals_reader().map_err(damaged)? {
            locals += u64::from(group.map_err(damaged)?.0);
        }
        within(
            "locals in one function",
            locals,
            limit::FUNCTION_LOCALS_MAX.into(),
        )?;
        let mut nesting = 0usize;
        for operator in body.get_operators_reader().map_err(damaged)? {
            match operator.map_err(damaged)? {
                Operator::Block { .. }
                | Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::TryTable { .. } => {
                    nesting += 1;
                    within(
                        "nested blocks in one function",
                        nesting as u64,
                        limit::FUNCTION_NESTING_MAX as u64,
                    )?;
                }
                Operator::End => nesting = nesting.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }
}

fn within(what: &str, found: u64, limit: u64) -> Result<()> {
    if found <= limit {
        Ok(())
    } else {
        Err(rejected(format!("it has {found} {what}, limit {limit}")))
    }
}

/// Whether an import is one that this host gives, by name; the functions in it are
/// compared when it is linked.
fn known_import(import: &str) -> Result<()> {
    if WASI.iter().any(|prefix| import.starts_with(prefix)) && import.contains("@0.2.") {
        return Ok(());
    }
    let ours = import
        .strip_prefix(PACKAGE)
        .and_then(|rest| rest.split_once('@'));
    let advice = match ours {
        Some((interface, _)) if !CONTRACT.contains(&interface) => {
            nearest(interface, CONTRACT.iter().copied())
        }
        Some(_) if import.contains(TRACK) => return Ok(()),
        Some(_) => "; this host serves the versions 0.1".to_owned(),
        None if import.starts_with("wasi:http") => {
            "; use `fetch` of `tidegate:sync` instead, which adds the connection's credentials"
                .to_owned()
        }
        None => "; a sync may import `tidegate:sync` 0.1 and a part of WASI 0.2".to_owned(),
    };
    Err(rejected(format!(
        "it imports `{import}`, which this host does not give{advice}"
    )))
}

fn damaged(error: wasmparser::BinaryReaderError) -> Error {
    rejected(format!(
        "it is damaged at byte {}: {}",
        error.offset(),
        error.message()
    ))
}

fn rejected(message: String) -> Error {
    Error::new(Code::ComponentRejected, message)
}
