use serde::{Deserialize, Serialize};

/// The decision log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `sqlite://PATH`; `None` means `DATA_DIR/rungs.db`.
    pub url: Option<String>,
    /// Whether an answer waits for its record.
    pub durability: Durability,
    /// Whether requests and answers are stored with their records.
    pub content: Content,
}

/// Whether an answer waits for its record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// No complete answer leaves before its record is on disk.
    #[default]
    Commit,
    /// Records follow within a second; a crash may lose the last ones.
    Relaxed,
}

/// Whether requests and answers are stored with their records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Both, as they were.
    #[default]
    Full,
    /// Neither.
    None,
}

impl LogConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        match &self.url {
            Some(url) if !url.starts_with("sqlite:") => {
                Err("log.url: only sqlite:// is supported, such as sqlite:///var/lib/rungs/rungs.db".to_owned())
            }
            _ => Ok(()),
        }
    }
}
