//! Makes a runtime of componentize-qjs start the same way each time it is started, so that
//! the same sync gives the same component: `steady runtime.wasm steady.wasm`.
//!
//! A component is a snapshot of the runtime after its start. At its start the runtime asks
//! for a seed (the keys of its hash maps) and for the time (the seed of `Math.random`, the
//! origin of `performance.now`), and all of them end up in the snapshot. Here the calls of
//! these imports are led through functions of our own: the seed is always the same, and the
//! first [`FROZEN_READINGS`] readings of each clock are zero. Later readings are real.
//! Nothing is lost: the SDK takes randomness from the host and not from the runtime.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::convert::Infallible;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Function, FunctionSection, GlobalSection, GlobalType,
    Instruction, MemArg, Module, ValType,
};
use wasmparser::{
    CodeSectionReader, FunctionSectionReader, GlobalSectionReader, Parser, Payload, TypeRef,
    Validator, WasmFeatures,
};

type Reencoded<T> = std::result::Result<T, reencode::Error<Infallible>>;

/// How often each clock is read while the runtime starts: what is still left of it when a
/// run begins would show there as a time of zero.
const FROZEN_READINGS: i32 = 1;

/// What is led through functions of our own, in the order of [`Steady::detours`].
const IMPORTS: [(&str, &str); 3] = [
    ("wasi:random/insecure-seed@0.2.9", "insecure-seed"),
    ("wasi:clocks/wall-clock@0.2.0", "now"),
    ("wasi:clocks/monotonic-clock@0.2.0", "now"),
];

/// What one import is led through.
struct Detour {
    import: u32,
    type_index: u32,
}

/// The module as far as the detours need to know it.
struct Steady {
    detours: Vec<Detour>,
    /// Index of the first function that is added; there is one for each detour.
    functions: u32,
    /// Index of the first global that is added; there is one for each detour.
    globals: u32,
}

impl Reencode for Steady {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Reencoded<u32> {
        let mut detours = self.functions..;
        let detour = self
            .detours
            .iter()
            .zip(&mut detours)
            .find(|(detour, _)| detour.import == index);
        Ok(detour.map_or(index, |(_, function)| function))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Reencoded<()> {
        utils::parse_function_section(self, functions, section)?;
        for detour in &self.detours {
            functions.function(detour.type_index);
        }
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Reencoded<()> {
        utils::parse_global_section(self, globals, section)?;
        let counter = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        for _ in &self.detours {
            globals.global(counter, &ConstExpr::i32_const(FROZEN_READINGS));
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Reencoded<()> {
        utils::parse_code_section(self, code, section)?;
        let [_, wall, monotonic] = self.detours.as_slice() else {
            return Ok(());
        };
        code.function(&seed());
        code.function(&wall_clock(wall.import, self.globals + 1));
        code.function(&monotonic_clock(monotonic.import, self.globals + 2));
        Ok(())
    }
}

/// `insecure-seed: func() -> tuple<u64, u64>`, written to the pointer: always zero.
fn seed() -> Function {
    let mut body = Function::new([]);
    zero(&mut body, 0);
    zero(&mut body, 8);
    body.instruction(&Instruction::End);
    body
}

/// `now: func() -> datetime { seconds: u64, nanoseconds: u32 }`, written to the pointer:
/// zero until the counter is used up.
fn wall_clock(now: u32, counter: u32) -> Function {
    let mut body = Function::new([]);
    while_frozen(&mut body, counter);
    zero(&mut body, 0);
    zero(&mut body, 8);
    body.instruction(&Instruction::Return)
        .instruction(&Instruction::End)
        .instruction(&Instruction::LocalGet(0))
        .instruction(&Instruction::Call(now))
        .instruction(&Instruction::End);
    body
}

/// `now: func() -> u64`: zero until the counter is used up.
fn monotonic_clock(now: u32, counter: u32) -> Function {
    let mut body = Function::new([]);
    while_frozen(&mut body, counter);
    body.instruction(&Instruction::I64Const(0))
        .instruction(&Instruction::Return)
        .instruction(&Instruction::End)
        .instruction(&Instruction::Call(now))
        .instruction(&Instruction::End);
    body
}

/// Begins what is done while the counter is not used up, and counts.
fn while_frozen(body: &mut Function, counter: u32) {
    body.instruction(&Instruction::GlobalGet(counter))
        .instruction(&Instruction::If(BlockType::Empty))
        .instruction(&Instruction::GlobalGet(counter))
        .instruction(&Instruction::I32Const(1))
        .instruction(&Instruction::I32Sub)
        .instruction(&Instruction::GlobalSet(counter));
}

/// Writes eight zero bytes at `offset` from the pointer.
fn zero(body: &mut Function, offset: u64) {
    let place = MemArg {
        offset,
        align: 3,
        memory_index: 0,
    };
    body.instruction(&Instruction::LocalGet(0))
        .instruction(&Instruction::I64Const(0))
        .instruction(&Instruction::I64Store(place));
}

/// Finds the imports, and where what is added will stand.
fn survey(module: &[u8]) -> Result<Steady> {
    let mut found = BTreeMap::new();
    let (mut functions, mut globals) = (0, 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(type_index) => {
                            let detour = Detour {
                                import: functions,
                                type_index,
                            };
                            found.insert((import.module, import.name), detour);
                            functions += 1;
                        }
                        TypeRef::Global(_) => globals += 1,
                        _ => {}
                    }
                }
            }
            Payload::FunctionSection(section) => functions += section.count(),
            Payload::GlobalSection(section) => globals += section.count(),
            _ => {}
        }
    }
    let detours = IMPORTS.iter().map(|import| {
        let detour = found.remove(import);
        detour.with_context(|| format!("it does not import {} of {}", import.1, import.0))
    });
    Ok(Steady {
        detours: detours.collect::<Result<_>>()?,
        functions,
        globals,
    })
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        bail!("usage: steady FROM TO");
    };
    let module = std::fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    let mut steady = survey(&module)?;
    let mut out = Module::new();
    utils::parse_core_module(&mut steady, &mut out, Parser::new(0), &module)
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let bytes = out.finish();
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(&bytes)
        .context("what came out is not valid")?;
    std::fs::write(to, &bytes).with_context(|| format!("writing {}", to.display()))
}
