mod url;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::in_range;
pub use url::LogUrl;

/// The decision log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `sqlite://PATH` or `postgres://USER@HOST/DATABASE`; `None` means `sqlite://DATA_DIR/rungs.db`.
    pub url: Option<LogUrl>,
    /// An environment variable that holds the URL, for one with a password in it.
    pub url_env: Option<String>,
    /// Whether an answer waits for its record.
    pub durability: Durability,
    /// Whether requests and answers are stored with their records.
    pub content: Content,
    /// An environment variable that holds the key of the hashes.
    pub hash_key_env: Option<String>,
    /// Megabytes that records may take which wait for the database.
    pub journal_max_mb: u32,
    /// What becomes of answers whose records neither the database nor the journal takes.
    pub when_full: WhenFull,
    /// Days that records are kept; `None` means forever.
    pub keep_days: Option<f64>,
    /// Days that requests and answers are kept; `None` means as long as their records.
    pub keep_content_days: Option<f64>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_env: None,
            durability: Durability::default(),
            content: Content::default(),
            hash_key_env: None,
            journal_max_mb: 1024,
            when_full: WhenFull::default(),
            keep_days: None,
            keep_content_days: None,
        }
    }
}

/// What becomes of answers whose records neither the database nor the journal takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// They are served: the last 64 MiB of records wait in memory, and what is beyond is lost and counted.
    #[default]
    Serve,
    /// They are withheld.
    Refuse,
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
    /// Both, but for what redaction takes out.
    #[default]
    Full,
    /// Their hashes, by which equal ones are known.
    Hashed,
    /// Neither.
    None,
}

impl LogConfig {
    /// Where the log lives; `None` for the default place.
    ///
    /// # Errors
    /// When the named environment variable is not set or holds no URL of a kind that can be used.
    pub fn place(&self) -> Result<Option<LogUrl>, String> {
        let Some(name) = &self.url_env else { return Ok(self.url.clone()) };
        let url = std::env::var(name).map_err(|error| format!("log.url_env: the variable {name}: {error}"))?;
        let url = LogUrl::from(SecretString::from(url.trim()));
        url.check(&format!("log.url_env: what {name} holds"))?;
        Ok(Some(url))
    }

    /// The key of the hashes that stand for content; without one, who guesses a text can tell that it was it.
    #[must_use]
    pub fn hash_key(&self) -> Option<SecretString> {
        std::env::var(self.hash_key_env.as_ref()?).ok().map(SecretString::from)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(name) = self.hash_key_env.as_ref().filter(|_| self.hash_key().is_none()) {
            return Err(format!("log.hash_key_env: the variable {name} is not set"));
        }
        if self.url.is_some() && self.url_env.is_some() {
            return Err("log: give url or url_env, not both".to_owned());
        }
        in_range("log.journal_max_mb", self.journal_max_mb.into(), 1.0, 1e6)?;
        for (key, days) in [("log.keep_days", self.keep_days), ("log.keep_content_days", self.keep_content_days)] {
            in_range(key, days.unwrap_or(1.0), 1e-3, 36_500.0)?;
        }
        self.url.as_ref().map_or(Ok(()), |url| url.check("log.url"))
    }
}
