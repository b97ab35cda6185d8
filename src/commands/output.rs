//! How a command prints its result.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::cli::Failure;

/// For a person or for a program.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long, global = true)]
    json: bool,
}

impl OutputArgs {
    /// Prints a result as JSON, or as the text that is made for it.
    pub(super) fn print<T: Serialize>(&self, result: &T, text: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(result).map(|json| json + "\n").map_err(|error| Failure::Failed(error.into()))?
        } else {
            text(result)
        };
        match std::io::stdout().write_all(text.as_bytes()) {
            // Whoever reads has seen enough, as `head` does.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| Failure::Failed(error.into())),
        }
    }
}
