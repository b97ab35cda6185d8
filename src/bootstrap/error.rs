use crate::decisions::StoreError;
use crate::labelled::RowError;
use crate::retrain::RetrainError;

/// Why a bootstrap does not come to its end. What was paid for is kept whatever the error.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The configuration, the prompts or the limit leave nothing that could be done.
    #[error("{0}")]
    Usage(String),
    /// The folder cannot be used.
    #[error("{place}: {source}")]
    Folder {
        /// The folder or the file in it.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another run is at work in the folder.
    #[error("{0}: another bootstrap is at work there: wait for it, or name another folder with --out")]
    Taken(String),
    /// A tier or the judge does not answer.
    #[error("{0}; what was answered is kept: run it again once this is mended")]
    Upstream(String),
    /// A log cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The labelled queries cannot be read back.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The model cannot be fitted, held against the champion or registered.
    #[error(transparent)]
    Retrain(#[from] RetrainError),
}
