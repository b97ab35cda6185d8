use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// Where the log lives. What is printed or serialised of it has no password.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct LogUrl(SecretString);

impl LogUrl {
    /// The URL as it was given.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether it names a PostgreSQL server.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| self.expose().starts_with(scheme))
    }

    /// Checks that it is of a kind that can be used; `key` is where it stands.
    pub(super) fn check(&self, key: &str) -> Result<(), String> {
        if self.is_postgres() || self.expose().starts_with("sqlite:") {
            return Ok(());
        }
        Err(format!("{key}: must begin with sqlite: or postgres://, such as sqlite:///var/lib/rungs/rungs.db"))
    }
}

impl From<SecretString> for LogUrl {
    fn from(url: SecretString) -> Self {
        Self(url)
    }
}

impl From<String> for LogUrl {
    fn from(url: String) -> Self {
        Self(url.into())
    }
}

impl From<&str> for LogUrl {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

/// The URL without its password and, of PostgreSQL's, without its parameters, which may hold one too.
impl fmt::Display for LogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_postgres() {
            return f.write_str(self.expose());
        }
        let Ok(url) = Url::parse(self.expose()) else { return f.write_str("postgres://(not a URL)") };
        write!(f, "{}://", url.scheme())?;
        if !url.username().is_empty() {
            write!(f, "{}@", url.username())?;
        }
        f.write_str(url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

impl fmt::Debug for LogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for LogUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        for (url, shown) in [
            ("postgres://rungs:s3cret@db.internal:5433/log?sslmode=require", "postgres://rungs@db.internal:5433/log"),
            ("postgresql://db/log?password=s3cret", "postgresql://db/log"),
            ("postgres://rungs:s3cret@[broken/log", "postgres://(not a URL)"),
            ("sqlite:///var/lib/rungs.db", "sqlite:///var/lib/rungs.db"),
        ] {
            let url = LogUrl::from(url);
            let json = serde_json::to_string(&url).unwrap();
            assert_eq!((url.to_string().as_str(), json), (shown, format!("\"{shown}\"")));
            assert!(!format!("{url:?}").contains("s3cret"));
        }
    }

    #[test]
    fn other_engines_are_refused_without_quoting_the_url() {
        let error = LogUrl::from("mysql://u:s3cret@h/d").check("log.url").unwrap_err();
        assert!(error.contains("log.url") && error.contains("postgres://") && !error.contains("s3cret"), "{error}");
    }
}
