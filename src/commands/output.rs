//! How a command prints its result.

use serde::Serialize;

use crate::cli::Failure;

/// For a person or for a program.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    json: bool,
}

impl OutputArgs {
    /// Prints a result as JSON, or as the text that is made for it.
    pub(super) fn print<T: Serialize>(&self, result: &T, text: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if self.json {
            println!("{}", serde_json::to_string(result).map_err(|error| Failure::Failed(error.into()))?);
        } else {
            print!("{}", text(result));
        }
        Ok(())
    }
}
