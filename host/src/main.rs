//! The `tidegate` binary: parse, run, turn an error into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidegate::cli::main()
}
