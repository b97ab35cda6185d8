use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Who may ask, and for what. Keys themselves are never in a configuration: only their SHA-256.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// Whether clients need a key; `None` means on every address but loopback.
    pub required: Option<bool>,
    /// The key that may read the decision log and use the admin endpoints.
    pub admin_key_sha256: Option<KeyHash>,
    /// The keys of clients.
    pub keys: Vec<ClientKey>,
}

/// One client's key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientKey {
    /// What logs call it.
    pub name: String,
    /// Its hash, as `rungs new-key` prints it.
    pub sha256: KeyHash,
    /// Who pays, whatever the request says; `None` leaves that to the request.
    #[serde(default)]
    pub tenant: Option<String>,
    /// The routes that it may name; empty for all.
    #[serde(default)]
    pub routes: Vec<String>,
    /// The tiers that may be called for it; empty for all.
    #[serde(default)]
    pub tiers: Vec<String>,
    /// Requests a minute.
    #[serde(default)]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens a minute, prompt and answer as they are estimated before the call.
    #[serde(default)]
    pub tokens_per_minute: Option<NonZeroU32>,
}

/// The SHA-256 of a key. A key is long and random, so that a plain hash is not to be guessed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Of a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for KeyHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || "must be the SHA-256 of a key in 64 hexadecimal digits; `rungs new-key` prints one".to_owned();
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| wrong())?;
        Ok(Self(bytes))
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hex::encode(hash.0)
    }
}

impl AuthConfig {
    /// Whether clients need a key on this address.
    #[must_use]
    pub fn is_required(&self, address: IpAddr) -> bool {
        self.required.unwrap_or(!address.is_loopback())
    }

    /// Why nobody could be served on this address.
    ///
    /// # Errors
    /// When keys are required and there is none.
    pub fn check_bind(&self, address: IpAddr) -> Result<(), String> {
        if self.is_required(address) && self.keys.is_empty() {
            return Err(format!(
                "auth: clients need a key on {address}, and there is none: add [[auth.keys]] (`rungs new-key NAME` makes \
                 one), bind 127.0.0.1, or set auth.required = false where something in front asks for keys"
            ));
        }
        Ok(())
    }

    pub(super) fn check(&self, tiers: &[super::TierConfig]) -> Result<(), String> {
        let (mut names, mut hashes) = (HashSet::new(), HashSet::new());
        for key in &self.keys {
            if key.name.is_empty() || !names.insert(&key.name) {
                return Err(format!("auth.keys: the name `{}` is empty or given twice", key.name));
            }
            if !hashes.insert(key.sha256.bytes()) || self.admin_key_sha256 == Some(key.sha256) {
                return Err(format!("auth.keys.{}.sha256: another key has the same", key.name));
            }
            let known = |name: &String| tiers.is_empty() || tiers.iter().any(|tier| tier.name == *name);
            if let Some(unknown) = key.tiers.iter().find(|name| !known(name)) {
                return Err(format!("auth.keys.{}.tiers: there is no tier `{unknown}`", key.name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const ANY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

    fn parse(toml: &str) -> Result<AuthConfig, String> {
        let config: AuthConfig = toml::from_str(toml).map_err(|error| error.to_string())?;
        config.check(&[]).map(|()| config)
    }

    #[test]
    fn keys_are_needed_off_loopback_unless_waived() {
        let none = AuthConfig::default();
        assert!(none.check_bind(LOCAL).is_ok() && none.check_bind(ANY).unwrap_err().contains("rungs new-key"));
        assert!(parse("required = false").unwrap().check_bind(ANY).is_ok());
        assert!(parse("required = true").unwrap().check_bind(LOCAL).is_err());
    }

    #[test]
    fn hashes_are_checked_and_unique() {
        let hash = String::from(KeyHash::of("a"));
        assert_eq!(KeyHash::try_from(hash.to_uppercase()), Ok(KeyHash::of("a")));
        let key = |name: &str, hash: &str| format!("[[keys]]\nname = '{name}'\nsha256 = '{hash}'\n");
        assert!(parse(&key("a", &hash)).is_ok());
        assert!(parse(&key("a", "sk-plain")).unwrap_err().contains("64 hexadecimal"));
        assert!(parse(&key("a", &"é".repeat(32))).unwrap_err().contains("64 hexadecimal"));
        assert!(parse(&(key("a", &hash) + &key("b", &hash))).unwrap_err().contains("same"));
        assert!(parse(&(key("a", &hash) + &key("a", &String::from(KeyHash::of("b"))))).unwrap_err().contains("twice"));
    }
}
