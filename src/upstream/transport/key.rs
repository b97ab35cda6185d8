//! The header that carries an upstream's key.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{KeyHeader, TierConfig};
use crate::dialect::Dialect;

/// The headers of every call of a tier: its key, if it has one, where its dialect or the configuration wants it.
///
/// # Errors
/// When the key holds what no header can carry; the key itself is not told.
pub(super) fn headers(
    tier: &TierConfig,
    key: Option<&SecretString>,
    more: &[(HeaderName, &'static str)],
) -> Result<HeaderMap, String> {
    let mut headers: HeaderMap =
        more.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
    let Some(key) = key.map(ExposeSecret::expose_secret) else { return Ok(headers) };
    let own = match tier.kind {
        Dialect::OpenAi | Dialect::Responses => KeyHeader::Authorization,
        Dialect::Anthropic => KeyHeader::XApiKey,
    };
    let (name, text) = match tier.api_key_header.unwrap_or(own) {
        KeyHeader::Authorization => ("authorization", format!("Bearer {key}")),
        KeyHeader::ApiKey => ("api-key", key.to_owned()),
        KeyHeader::XApiKey => ("x-api-key", key.to_owned()),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| "the key holds characters that no HTTP header can carry".to_owned())?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(tier: &str) -> String {
        let tier = format!("name = 't'\nmodel = 'm'\nbase_url = 'http://h'\n{tier}");
        let headers = headers(&toml::from_str(&tier).unwrap(), Some(&"k".into()), &[]).unwrap();
        let (name, value) = headers.iter().next().unwrap();
        assert!(value.is_sensitive());
        format!("{name}: {}", value.to_str().unwrap())
    }

    #[test]
    fn each_dialect_has_its_own_and_the_configuration_may_choose() {
        assert_eq!(name(""), "authorization: Bearer k");
        assert_eq!(name("kind = 'anthropic'"), "x-api-key: k");
        assert_eq!(name("api_key_header = 'api-key'"), "api-key: k");
        assert_eq!(name("kind = 'anthropic'\napi_key_header = 'authorization'"), "authorization: Bearer k");
    }
}
