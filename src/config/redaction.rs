use serde::{Deserialize, Serialize};

use super::in_range;
use super::route::Pattern;

/// What is taken out of requests, answers and metadata before they are stored; what is forwarded stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedactionConfig {
    /// What is replaced in every text, in this order.
    pub patterns: Vec<Replacement>,
    /// A program that is given what the patterns leave, and gives back what is stored.
    pub command: Option<Vec<String>>,
    /// Environment variables that the program may see beside the harmless ones.
    pub env: Vec<String>,
    /// An endpoint that does the same.
    pub url: Option<String>,
    /// Seconds that the program or the endpoint may take; an answer waits for it.
    pub timeout_s: f64,
    /// What becomes of content that the program or the endpoint did not give back in time.
    pub on_failure: OnFailure,
}

/// A text to be replaced.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// What is replaced.
    pub pattern: Pattern,
    /// By what; `$1` or `${name}` stands for a group of the pattern.
    #[serde(default = "removed")]
    pub replace: String,
}

/// What becomes of content that could not be redacted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It is not stored.
    #[default]
    Drop,
    /// Its hashes are.
    Hash,
    /// It is stored as the patterns left it.
    Keep,
}

impl Default for RedactionConfig {
    fn default() -> Self {
        Self {
            patterns: Vec::new(),
            command: None,
            env: Vec::new(),
            url: None,
            timeout_s: 1.0,
            on_failure: OnFailure::default(),
        }
    }
}

impl RedactionConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.command.is_some() && self.url.is_some() {
            return Err("redaction: give command or url, not both".to_owned());
        }
        if self.command.as_ref().is_some_and(|command| command.first().is_none_or(String::is_empty)) {
            return Err("redaction.command: must begin with a program".to_owned());
        }
        if self.url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err("redaction.url: must begin with http:// or https://".to_owned());
        }
        in_range("redaction.timeout_s", self.timeout_s, 0.001, 60.0)
    }
}

fn removed() -> String {
    "[removed]".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(toml: &str) -> String {
        match toml::from_str::<RedactionConfig>(toml) {
            Err(error) => error.to_string(),
            Ok(config) => config.check().err().unwrap_or_default(),
        }
    }

    #[test]
    fn what_cannot_work_is_refused_before_serving() {
        assert_eq!(error("patterns = [{ pattern = 'a' }]\ncommand = ['true']\non_failure = 'hash'"), "");
        for (bad, says) in [
            ("patterns = [{ pattern = '(' }]", "unclosed"),
            ("command = ['a']\nurl = 'http://b'", "not both"),
            ("command = []", "redaction.command"),
            ("url = 'ftp://b'", "redaction.url"),
            ("timeout_s = 0", "redaction.timeout_s"),
            ("on_failure = 'panic'", "panic"),
        ] {
            assert!(error(bad).contains(says), "{bad}: {}", error(bad));
        }
    }
}
