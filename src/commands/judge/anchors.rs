//! `rungs judge anchors`: answers that people have judged.

use std::path::PathBuf;

use serde::Serialize;

use super::{OutputArgs, Place, database, text};
use crate::cli::Failure;
use crate::judge::anchors::{self, Standing};

#[derive(Debug, clap::Subcommand)]
pub(super) enum What {
    /// Bring anchors in: JSON lines with id, prompt, answer_1, answer_2 and gold (1, 2 or 0), or answer_1 and acceptable.
    Import {
        #[command(flatten)]
        place: Place,
        /// The file (.jsonl, .jsonl.gz or .jsonl.zst).
        file: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Have every anchor judged by the judge in force; the workers do so.
    Judge {
        #[command(flatten)]
        place: Place,
    },
    /// Show sensitivity, specificity and the bias of position of each judge that has judged anchors.
    Status {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// What an import brought.
#[derive(Debug, Serialize)]
pub(super) struct Brought {
    pub(super) anchors: usize,
    pub(super) undecided: u64,
}

/// How good judges are.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) judges: Vec<Standing>,
}

pub(super) fn run(what: &What) -> Result<(), Failure> {
    match what {
        What::Import { place, file, output } => {
            let imported = anchors::read(file).map_err(Failure::bad_input)?;
            let brought = Brought { anchors: imported.anchors.len(), undecided: imported.undecided };
            place.open(
                |_, store| async move { Ok(anchors::keep(&database(store.as_ref())?, &imported.anchors).await?) },
            )?;
            output.print(&brought, text::brought)
        }
        What::Judge { place } => {
            let count =
                place.open(|_, store| async move { Ok(anchors::enqueue(&database(store.as_ref())?).await?) })?;
            eprintln!("{count} anchors are to be judged today");
            Ok(())
        }
        What::Status { place, output } => {
            let judges =
                place.open(|_, store| async move { Ok(anchors::status(&database(store.as_ref())?).await?) })?;
            output.print(&Status { judges }, |status| text::standings(&status.judges))
        }
    }
}
