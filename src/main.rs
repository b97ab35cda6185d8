//! Parses the command line and dispatches.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use rungs::cli::{Cli, run};

/// A request makes and frees many small pieces of memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
