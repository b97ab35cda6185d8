use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::TierConfig;
use crate::dialect::Dialect;

/// The header that carries an upstream's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyHeader {
    /// `authorization: Bearer KEY`: OpenAI's way.
    Authorization,
    /// `api-key: KEY`: Azure's.
    ApiKey,
    /// `x-api-key: KEY`: Anthropic's.
    XApiKey,
}

/// Another place where a tier's model can be had.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// As for the tier.
    pub base_url: String,
    /// The dialect there; `None` means the tier's.
    #[serde(default)]
    pub kind: Option<Dialect>,
    /// As for the tier; `None` means the tier's.
    #[serde(default)]
    pub api_key_header: Option<KeyHeader>,
    /// The model's name there; `None` means the tier's.
    #[serde(default)]
    pub model: Option<String>,
    /// An environment variable that holds the key of this place. The tier's own key is not sent here.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// A file that holds the key of this place and nothing else.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
    /// A credential of systemd's that holds it.
    #[serde(default)]
    pub api_key_credential: Option<String>,
    /// Its share of the tier's calls, beside the other places' weights.
    #[serde(default = "weight")]
    pub weight: u32,
}

pub(super) fn weight() -> u32 {
    1
}

impl TierConfig {
    /// The tier as each of its places sees it: its own address first, then the further ones.
    pub fn places(&self) -> impl Iterator<Item = Self> {
        let further = self.endpoints.iter().map(|endpoint| Self {
            base_url: endpoint.base_url.clone(),
            model: endpoint.model.clone().unwrap_or_else(|| self.model.clone()),
            kind: endpoint.kind.unwrap_or(self.kind),
            api_key_header: endpoint.api_key_header.or(self.api_key_header),
            api_key_env: endpoint.api_key_env.clone(),
            api_key_file: endpoint.api_key_file.clone(),
            api_key_credential: endpoint.api_key_credential.clone(),
            weight: endpoint.weight,
            ..self.clone()
        });
        std::iter::once(self.clone()).chain(further).map(|place| Self { endpoints: Vec::new(), ..place })
    }

    /// Host and port of its address, without credentials.
    #[must_use]
    pub fn host(&self) -> String {
        let url = self.base_url.parse::<reqwest::Url>().ok();
        let host = url.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
        match host {
            Some((host, Some(port))) => format!("{host}:{port}"),
            Some((host, None)) => host.to_owned(),
            None => "no host".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_share_the_tiers_limits_but_not_its_key() {
        let tier: TierConfig = toml::from_str(
            "name = 't'\nmodel = 'm'\nbase_url = 'https://u:p@one.example/v1'\napi_key_env = 'ONE'\nidle_timeout_s = 7\n\
             [[endpoints]]\nbase_url = 'http://two.example:81/v1'\nmodel = 'm-2'\nweight = 3",
        )
        .unwrap();
        let places: Vec<TierConfig> = tier.places().collect();
        assert_eq!(places.iter().map(TierConfig::host).collect::<Vec<_>>(), ["one.example", "two.example:81"]);
        assert_eq!(places.iter().map(|place| place.weight).collect::<Vec<_>>(), [1, 3]);
        assert_eq!((places[1].model.as_str(), places[1].api_key_env.as_deref()), ("m-2", None));
        assert_eq!((places[1].idle_timeout_s, places[0].api_key_env.as_deref()), (7.0, Some("ONE")));
    }
}
