//! What all commands over labelled queries share.

use std::path::PathBuf;

use crate::cli::Failure;
use crate::labelled::{OnBad, Reader, RowError, Skipped};

/// Which labelled queries to read.
#[derive(Debug, clap::Args)]
pub(super) struct DataArgs {
    /// Labelled queries: .jsonl, .jsonl.gz or .jsonl.zst.
    #[arg(long = "data", required = true, num_args = 1.., value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Leave bad rows out and count them, instead of stopping at the first.
    #[arg(long)]
    skip_bad_rows: bool,
}

impl DataArgs {
    /// Opens all files, one after the other.
    pub(super) fn open(&self) -> Result<Reader, Failure> {
        self.open_some(&self.files)
    }

    /// Opens some of the files.
    pub(super) fn open_some(&self, files: &[PathBuf]) -> Result<Reader, Failure> {
        let on_bad = if self.skip_bad_rows { OnBad::Skip } else { OnBad::Stop };
        Reader::open(files, on_bad).map_err(Failure::from)
    }
}

impl From<RowError> for Failure {
    fn from(error: RowError) -> Self {
        Self::BadInput(error.into())
    }
}

/// Says on stderr which rows were left out as bad.
pub(super) fn report_skipped(skipped: &Skipped) {
    if skipped.count == 0 {
        return;
    }
    eprintln!("warning: {} bad rows were left out, such as:", skipped.count);
    for error in &skipped.first {
        eprintln!("  {error}");
    }
}
