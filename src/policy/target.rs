//! What the `model` field of a request asks for.

use indexmap::IndexMap;

use crate::config::{Preset, Threshold};

/// What a request asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The router chooses, at this operating point.
    Auto(Threshold),
    /// This tier and no other.
    Tier(String),
}

/// The request names a model that does not exist here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model `{asked}` does not exist; known are: {}", known.join(", "))]
pub struct UnknownModel {
    /// The name as sent.
    pub asked: String,
    /// Every name that would do.
    pub known: Vec<String>,
}

/// The names under which the router itself chooses.
const AUTO: [&str; 3] = ["auto", "auto:economy", "auto:quality"];

impl Target {
    /// Reads a model name: an automatic one, a tier, an alias of either, or RouteLLM's `router-<name>-<threshold>`.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse<'a>(
        model: &str,
        auto: Threshold,
        aliases: &IndexMap<String, String>,
        tiers: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, UnknownModel> {
        let name = aliases.get(model).map_or(model, String::as_str);
        let target = match name {
            "auto" => Some(Self::Auto(auto)),
            "auto:economy" => Some(Self::Auto(Threshold::Preset(Preset::Economy))),
            "auto:quality" => Some(Self::Auto(Threshold::Preset(Preset::Quality))),
            _ if tiers.clone().any(|tier| tier == name) => Some(Self::Tier(name.to_owned())),
            _ => routellm(name).map(|threshold| Self::Auto(Threshold::Value(threshold))),
        };
        target.ok_or_else(|| UnknownModel { asked: model.to_owned(), known: Self::names(aliases, tiers) })
    }

    /// Every name that a client may send: the automatic ones, the tiers, the aliases.
    pub fn names<'a>(aliases: &IndexMap<String, String>, tiers: impl Iterator<Item = &'a str>) -> Vec<String> {
        let ours = AUTO.into_iter().chain(tiers).map(str::to_owned);
        ours.chain(aliases.keys().cloned()).collect()
    }
}

fn routellm(name: &str) -> Option<f64> {
    let (router, threshold) = name.strip_prefix("router-")?.split_once('-')?;
    let threshold: f64 = threshold.parse().ok()?;
    (!router.is_empty() && (-1.0..=1.0).contains(&threshold)).then_some(threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(model: &str) -> Result<Target, UnknownModel> {
        let aliases = IndexMap::from([("gpt-4o".to_owned(), "auto:quality".to_owned()), ("x".into(), "small".into())]);
        Target::parse(model, Threshold::Value(0.25), &aliases, ["small", "large"].into_iter())
    }

    #[test]
    fn automatic_names_tiers_and_aliases() {
        assert_eq!(parse("auto"), Ok(Target::Auto(Threshold::Value(0.25))));
        assert_eq!(parse("auto:economy"), Ok(Target::Auto(Threshold::Preset(Preset::Economy))));
        assert_eq!(parse("gpt-4o"), Ok(Target::Auto(Threshold::Preset(Preset::Quality))));
        assert_eq!(parse("large"), Ok(Target::Tier("large".to_owned())));
        assert_eq!(parse("x"), Ok(Target::Tier("small".to_owned())));
    }

    #[test]
    fn routellm_names_carry_their_threshold() {
        assert_eq!(parse("router-mf-0.11593"), Ok(Target::Auto(Threshold::Value(0.115_93))));
        assert!(parse("router-mf-7").is_err() && parse("router-mf").is_err() && parse("router-mf-NaN").is_err());
    }

    #[test]
    fn an_unknown_name_lists_what_exists() {
        let error = parse("gpt-9").unwrap_err();
        assert_eq!(error.known, ["auto", "auto:economy", "auto:quality", "small", "large", "gpt-4o", "x"]);
        assert!(error.to_string().contains("`gpt-9`"));
    }
}
