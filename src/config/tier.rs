use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::price::{Price, PriceChange};
use super::{EndpointConfig, KeyHeader, in_range};
use crate::dialect::Dialect;
use crate::policy::Capability;

/// An upstream model with its prices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierConfig {
    /// The tier's name: what clients may send as `model`, and what records say.
    pub name: String,
    /// Where the API lives, up to and including `/v1`; a query at its end is kept.
    pub base_url: String,
    /// The model's name at the upstream.
    pub model: String,
    /// The dialect of its API.
    #[serde(default)]
    pub kind: Dialect,
    /// The header that carries the key; `None` means the dialect's own.
    #[serde(default)]
    pub api_key_header: Option<KeyHeader>,
    /// An environment variable that holds the upstream's key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// A file that holds the upstream's key and nothing else.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
    /// A credential of systemd's (`LoadCredential=`) that holds the upstream's key.
    #[serde(default)]
    pub api_key_credential: Option<String>,
    /// Which head of the artifact predicts this tier; `None` means the head of the tier's name, else by position.
    #[serde(default)]
    pub head: Option<String>,
    /// Prices; `None` means that costs are not known (and are reported as such).
    #[serde(default)]
    pub price: Option<Price>,
    /// Prices that replace it from their dates on.
    #[serde(default)]
    pub price_changes: Vec<PriceChange>,
    /// Tokens that the model can hold, prompt and answer together; `None` means that it is not checked.
    #[serde(default)]
    pub context_window: Option<u64>,
    /// The longest answer, in tokens, that an upstream of a dialect that demands a limit is asked for where the client sets
    /// none; `None` means 8192.
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
    /// What the model or its server cannot do: requests that need it go elsewhere.
    #[serde(default)]
    pub lacks: Vec<Capability>,
    /// How long the provider's cache keeps the beginning of a conversation after it was last read, in seconds.
    #[serde(default = "cache_ttl")]
    pub cache_ttl_s: f64,
    /// Whether the server gives log-probabilities when asked.
    #[serde(default)]
    pub logprobs: bool,
    /// Seconds until a connection stands.
    #[serde(default = "connect_timeout")]
    pub connect_timeout_s: f64,
    /// Seconds until the first byte of the answer.
    #[serde(default = "first_byte_timeout")]
    pub first_byte_timeout_s: f64,
    /// Seconds between two pieces of a stream.
    #[serde(default = "idle_timeout")]
    pub idle_timeout_s: f64,
    /// Seconds from the start of a call to its end.
    #[serde(default = "total_timeout")]
    pub total_timeout_s: f64,
    /// The share of the calls that its own address gets, beside the weights of the further endpoints.
    #[serde(default = "super::endpoint::weight")]
    pub weight: u32,
    /// Further places where the same model can be had.
    #[serde(default)]
    pub endpoints: Vec<EndpointConfig>,
}

pub(super) fn check_all(tiers: &[TierConfig]) -> Result<(), String> {
    if tiers.len() == 1 {
        return Err(format!("tiers: only `{}` is given; routing needs at least two, cheap first", tiers[0].name));
    }
    let mut seen = HashSet::new();
    for tier in tiers {
        tier.places().try_for_each(|place| place.check())?;
        if !seen.insert(tier.name.as_str()) {
            return Err(format!("tiers: the name `{}` is given twice", tier.name));
        }
    }
    Ok(())
}

impl TierConfig {
    /// The name under which the artifact knows the tier: that of the head that it names, else its own.
    #[must_use]
    pub fn head(&self) -> &str {
        self.head.as_deref().unwrap_or(&self.name)
    }

    /// The price in force at a time.
    #[must_use]
    pub fn price_at(&self, at: Timestamp) -> Option<Price> {
        let changed = self.price_changes.iter().filter(|change| change.since() <= at).max_by_key(|change| change.from);
        changed.map(|change| change.price).or(self.price)
    }

    /// The price in force.
    #[must_use]
    pub fn price_now(&self) -> Option<Price> {
        if self.price_changes.is_empty() { self.price } else { self.price_at(Timestamp::now()) }
    }

    /// Reads the upstream's key; `None` where no source is named, for a server that needs none.
    ///
    /// # Errors
    /// When the named variable is not set, or the named file cannot be read or is empty.
    pub fn read_key(&self) -> Result<Option<SecretString>, String> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
        let (key, from) = match (&self.api_key_env, &self.api_key_file, &self.api_key_credential) {
            (Some(name), _, _) => (std::env::var(name).map_err(|error| error.to_string()), format!("variable {name}")),
            (None, Some(path), _) => (read(path), format!("file {}", path.display())),
            (None, None, Some(name)) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
                let folder = folder.ok_or_else(|| "systemd has set no CREDENTIALS_DIRECTORY".to_owned());
                (folder.and_then(|folder| read(&Path::new(&folder).join(name))), format!("credential {name}"))
            }
            (None, None, None) => return Ok(None),
        };
        match key.as_deref().map(str::trim) {
            Err(error) => Err(format!("tier {}: the key cannot be read from {from}: {error}", self.name)),
            Ok("") => Err(format!("tier {}: {from} is empty: put the key there", self.name)),
            Ok(key) => Ok(Some(SecretString::from(key))),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let key = |field: &str| format!("tiers.{}.{field}", self.name);
        if self.name.is_empty() || self.name.starts_with("auto") {
            return Err(format!("tiers.name = \"{}\": must not be empty or begin with `auto`", self.name));
        }
        if !self.base_url.starts_with("http://") && !self.base_url.starts_with("https://") {
            return Err(format!("{} = \"{}\": must begin with http:// or https://", key("base_url"), self.base_url));
        }
        for (field, seconds) in [
            ("connect_timeout_s", self.connect_timeout_s),
            ("first_byte_timeout_s", self.first_byte_timeout_s),
            ("idle_timeout_s", self.idle_timeout_s),
            ("total_timeout_s", self.total_timeout_s),
            ("cache_ttl_s", self.cache_ttl_s),
        ] {
            in_range(&key(field), seconds, 0.001, 86_400.0)?;
        }
        if let Some(price) = self.price {
            price.check(&key("price"))?;
        }
        self.price_changes
            .iter()
            .try_for_each(|change| change.price.check(&key(&format!("price_changes.{}", change.from))))?;
        let sources = [self.api_key_env.is_some(), self.api_key_file.is_some(), self.api_key_credential.is_some()];
        if sources.into_iter().filter(|given| *given).count() > 1 {
            return Err(format!("tiers.{}: give one of api_key_env, api_key_file and api_key_credential", self.name));
        }
        if self.api_key_credential.as_ref().is_some_and(|name| name.is_empty() || name.contains('/')) {
            return Err(format!("{}: must be the name of a credential", key("api_key_credential")));
        }
        in_range(&key("weight"), f64::from(self.weight), 1.0, 1e6)
    }
}

fn cache_ttl() -> f64 {
    300.0
}

fn connect_timeout() -> f64 {
    5.0
}

fn first_byte_timeout() -> f64 {
    60.0
}

fn idle_timeout() -> f64 {
    30.0
}

fn total_timeout() -> f64 {
    300.0
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn tier(key: &str) -> TierConfig {
        let common = "name = 'small'\nbase_url = 'http://127.0.0.1:1/v1'\nmodel = 'm'";
        toml::from_str(&format!("{common}\n{key}")).unwrap()
    }

    #[test]
    fn a_price_holds_until_the_next_ones_date() {
        let tier = tier(
            "price = { input = 1.0, output = 2.0 }\nprice_changes = [{ from = '2027-02-01', price = { input = 3.0, output = 4.0 } },
             { from = '2027-01-01', price = { input = 2.0, output = 3.0 } }]",
        );
        let input = |at: &str| tier.price_at(at.parse().unwrap()).unwrap().input;
        assert_eq!(
            [input("2026-12-31T23:59:59Z"), input("2027-01-01T00:00:00Z"), input("2027-02-01T00:00:00Z")],
            [1.0, 2.0, 3.0]
        );
    }

    #[test]
    fn a_key_that_cannot_be_read_names_the_tier_and_its_source() {
        let error = tier("api_key_file = '/nowhere/key'").read_key().unwrap_err();
        assert!(error.contains("tier small") && error.contains("/nowhere/key"), "{error}");
        let error = tier("api_key_env = 'RUNGS_TEST_NO_SUCH_KEY'").read_key().unwrap_err();
        assert!(error.contains("tier small") && error.contains("RUNGS_TEST_NO_SUCH_KEY"), "{error}");
        let error = tier("api_key_credential = 'none'").read_key().unwrap_err();
        assert!(error.contains("credential none") && error.contains("CREDENTIALS_DIRECTORY"), "{error}");
        let empty = tempfile::NamedTempFile::new().unwrap();
        let error = tier(&format!("api_key_file = '{}'", empty.path().display())).read_key().unwrap_err();
        assert!(error.contains("is empty"), "{error}");
    }

    #[test]
    fn a_key_is_read_without_its_line_end_and_never_printed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "sk-secret\n").unwrap();
        let tier = tier(&format!("api_key_file = '{}'", file.path().display()));
        let key = tier.read_key().unwrap();
        assert_eq!(key.as_ref().map(ExposeSecret::expose_secret), Some("sk-secret"));
        assert!(!format!("{tier:?} {key:?}").contains("sk-secret"));
    }
}
