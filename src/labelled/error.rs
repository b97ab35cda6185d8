use std::fmt;
use std::path::Path;

/// What is wrong with a file of labelled queries, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RowError {
    /// The file.
    pub file: String,
    /// The line, counted from 1; `None` where the file as a whole is at fault.
    pub line: Option<u64>,
    /// The field, such as `outcomes.gpt-4.score`; `None` where the line as a whole is at fault.
    pub field: Option<String>,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// A fault within a row, before the file and line are known.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) field: Option<String>,
    pub(super) reason: String,
}

impl RowError {
    pub(super) fn in_file(file: &Path, reason: impl Into<String>) -> Self {
        Self { file: file.display().to_string(), line: None, field: None, reason: reason.into() }
    }

    pub(super) fn in_line(file: &Path, line: u64, fault: Fault) -> Self {
        Self { file: file.display().to_string(), line: Some(line), field: fault.field, reason: fault.reason }
    }
}

impl Fault {
    pub(super) fn row(reason: impl Into<String>) -> Self {
        Self { field: None, reason: reason.into() }
    }

    pub(super) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: Some(field.into()), reason: reason.into() }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field `{field}`")?;
        }
        write!(f, ": {}", self.reason)
    }
}
