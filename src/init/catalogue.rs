//! The table of providers and models.

use std::path::Path;

use jiff::civil::Date;
use serde::Deserialize;

use crate::config::Price;
use crate::dialect::Dialect;
use crate::policy::Capability;

/// Providers and models with their prices.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The day by which prices and capabilities were published.
    pub published: Date,
    /// Who serves models.
    pub providers: Vec<Provider>,
    /// What they serve.
    #[serde(default)]
    pub models: Vec<Model>,
}

/// A place where models can be had.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What the table calls it.
    pub name: String,
    /// Where its API lives, up to and including `/v1`.
    pub base_url: String,
    /// The dialect of its API.
    #[serde(default)]
    pub kind: Dialect,
    /// The environment variable that its key usually stands in; `None` for one that needs none.
    pub key_env: Option<String>,
    /// Whether it runs on this machine, and serves whatever was loaded there.
    #[serde(default)]
    pub local: bool,
    /// Whether a local one gives log-probabilities when asked.
    #[serde(default)]
    pub logprobs: bool,
}

/// A model of a provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The provider's name in the table.
    pub provider: String,
    /// The model's name there.
    pub model: String,
    /// Its prices.
    pub price: Price,
    /// Tokens that it holds, prompt and answer together.
    pub context_window: u64,
    /// The longest answer, where its dialect demands a limit.
    pub max_output_tokens: Option<u64>,
    /// Whether it gives log-probabilities when asked.
    #[serde(default)]
    pub logprobs: bool,
    /// What it cannot do.
    #[serde(default)]
    pub lacks: Vec<Capability>,
    /// Whether it is one to climb to.
    #[serde(default)]
    pub frontier: bool,
}

impl Catalogue {
    /// The table in the binary.
    ///
    /// # Errors
    /// When what was built in is not a table.
    pub fn built_in() -> Result<Self, String> {
        Self::parse(include_str!("models.toml")).map_err(|error| format!("the built-in table of models: {error}"))
    }

    /// The table of a file.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is not what it should be.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for model in &table.models {
            let name = format!("models.{}/{}", model.provider, model.model);
            if !table.providers.iter().any(|provider| provider.name == model.provider) {
                return Err(format!("{name}: there is no provider `{}`", model.provider));
            }
            model.price.check(&format!("{name}.price"))?;
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_sound() {
        let table = Catalogue::built_in().unwrap();
        for provider in table.providers.iter().filter(|provider| !provider.local) {
            assert!(provider.base_url.starts_with("https://") && provider.key_env.is_some(), "{provider:?}");
            assert!(table.models.iter().any(|model| model.provider == provider.name), "{provider:?}");
        }
        let names: std::collections::HashSet<_> = table.models.iter().map(|m| (&m.provider, &m.model)).collect();
        assert_eq!(names.len(), table.models.len());
    }

    #[test]
    fn what_is_wrong_in_a_table_is_named() {
        let provider = "published = '2026-01-01'\n[[providers]]\nname = 'a'\nbase_url = 'http://h/v1'\n";
        let model = |provider: &str, input: &str| {
            format!(
                "[[models]]\nprovider = '{provider}'\nmodel = 'm'\nprice = {{ input = {input}, output = 1.0 }}\ncontext_window = 1\n"
            )
        };
        assert!(Catalogue::parse(&format!("{provider}{}", model("a", "1.0"))).is_ok());
        let error = |model: String| Catalogue::parse(&format!("{provider}{model}")).unwrap_err();
        assert!(error(model("b", "1.0")).contains("no provider `b`"));
        assert!(error(model("a", "-1.0")).contains("models.a/m.price.input"));
        assert!(error("[[models]]\nprize = 1".to_owned()).contains("prize"));
    }
}
