//! Configuration: one struct per concern, read from TOML over the embedded, commented defaults.

mod alerts;
mod auth;
mod budget;
mod cascade;
mod checks;
mod drift;
mod embedding;
mod endpoint;
mod judge;
mod log;
mod model;
mod policy;
mod price;
mod redaction;
mod retrain;
mod route;
mod server;
mod stickiness;
mod stream;
mod telemetry;
mod tier;
mod upstreams;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use alerts::{AlertsConfig, ReceiverConfig, ReceiverKind};
pub use auth::{AuthConfig, ClientKey, KeyHash};
pub use budget::{BudgetConfig, Period, Spender, WhenOver};
pub use cascade::CascadeConfig;
pub use checks::ChecksConfig;
pub use drift::{Consequence, DriftConfig};
pub use embedding::{Backend, EmbeddingConfig};
pub use endpoint::{EndpointConfig, KeyHeader};
pub use judge::{JudgeConfig, RouteJudge, Sameness};
pub use log::{Content, Durability, LogConfig, LogUrl, WhenFull};
pub use model::ModelConfig;
pub use policy::{Fallback, PolicyConfig, Preset, Threshold};
pub use price::{Price, PriceChange};
pub use redaction::{OnFailure, RedactionConfig, Replacement};
pub use retrain::{RetrainConfig, Rollout};
pub use route::{CheckConfig, JsonSchema, Pattern, RouteConfig};
pub use server::ServerConfig;
pub use stickiness::StickinessConfig;
pub use stream::StreamConfig;
pub use telemetry::{LogFormat, TelemetryConfig};
pub use tier::TierConfig;
pub use upstreams::UpstreamsConfig;

/// The defaults, as the commented file that `rungs init` starts from.
pub const DEFAULT_TOML: &str = include_str!("config/default.toml");

/// A whole configuration. Unknown keys are refused at every level.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the decision log and downloaded models live.
    pub data_dir: Option<PathBuf>,
    /// The listening socket and its limits.
    pub server: ServerConfig,
    /// Who may ask, and for what.
    pub auth: AuthConfig,
    /// Which sentence embedding the features use.
    pub embedding: EmbeddingConfig,
    /// Which artifact scores requests.
    pub model: ModelConfig,
    /// Where `auto` starts.
    pub policy: PolicyConfig,
    /// Which answers are checked, and how.
    pub cascade: CascadeConfig,
    /// Whether conversations stay at their tier.
    pub stickiness: StickinessConfig,
    /// How the checks of the routes are run.
    pub checks: ChecksConfig,
    /// The decision log.
    pub log: LogConfig,
    /// Which answers are judged, and by whom.
    pub judge: JudgeConfig,
    /// What is taken out of requests and answers before they are stored.
    pub redaction: RedactionConfig,
    /// What tasks, keys and tenants may spend.
    pub budgets: Vec<BudgetConfig>,
    /// The monitors over the decision log.
    pub drift: DriftConfig,
    /// Who is told of alerts.
    pub alerts: AlertsConfig,
    /// Where traces are sent.
    pub telemetry: TelemetryConfig,
    /// What is done about upstreams that fail.
    pub upstreams: UpstreamsConfig,
    /// How the log teaches the router.
    pub retrain: RetrainConfig,
    /// Model names that clients may send, and what they mean.
    pub aliases: IndexMap<String, String>,
    /// Settings of named uses of the product, by the name in `x-rungs-route`; `default` is for all others.
    pub routes: IndexMap<String, RouteConfig>,
    /// The upstream models, cheap → frontier; empty means the local stand-ins.
    pub tiers: Vec<TierConfig>,
}

/// Why a configuration is refused: which file, and what is wrong where.
#[derive(Debug, Clone, thiserror::Error)]
#[error("configuration {origin}: {message}")]
pub struct ConfigError {
    /// The file, or `defaults`.
    pub origin: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Config {
    /// Reads a file, or gives the defaults when there is none.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, has an unknown key, or a value is out of range.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = file else { return Ok(Self::default()) };
        let fail = |message: String| ConfigError { origin: path.display().to_string(), message };
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        Self::parse(&text).map_err(fail)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or a value is out of range.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map(|()| config)
    }

    /// Where the decision log and downloaded models live: `RUNGS_DATA_DIR`, else `data_dir`, else the platform's
    /// data folder.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        std::env::var_os("RUNGS_DATA_DIR").map(PathBuf::from).or_else(|| self.data_dir.clone()).unwrap_or_else(|| {
            directories::ProjectDirs::from("", "", "rungs")
                .map_or_else(|| PathBuf::from("rungs-data"), |dirs| dirs.data_dir().to_owned())
        })
    }

    /// A short fingerprint of every setting, for the decision record; secrets are not part of a configuration.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(&Sha256::digest(&json)[..6])
    }

    fn check(&self) -> Result<(), String> {
        self.server.check()?;
        self.policy.check()?;
        self.cascade.check()?;
        self.stickiness.check()?;
        self.checks.check()?;
        self.log.check()?;
        self.judge.check(&self.tiers)?;
        self.redaction.check()?;
        budget::check_all(&self.budgets)?;
        self.drift.check()?;
        self.alerts.check()?;
        self.upstreams.check()?;
        self.retrain.check()?;
        self.telemetry.check()?;
        self.routes.iter().try_for_each(|(name, route)| route.check(name))?;
        tier::check_all(&self.tiers)?;
        self.auth.check(&self.tiers)?;
        self.check_rules()?;
        self.check_aliases()
    }

    fn check_rules(&self) -> Result<(), String> {
        let place = |name: &str| self.tiers.iter().position(|tier| tier.name == name);
        for (route, rules) in self.routes.iter().filter(|_| !self.tiers.is_empty()) {
            let mut places = Vec::new();
            for (key, name) in [("min_tier", &rules.min_tier), ("max_tier", &rules.max_tier)] {
                let Some(name) = name else { continue };
                let found = place(name).ok_or_else(|| format!("routes.{route}.{key} = \"{name}\": no such tier"))?;
                places.push(found);
            }
            if places.first() > places.last() {
                return Err(format!("routes.{route}: min_tier is above max_tier"));
            }
        }
        Ok(())
    }

    /// The settings of a route; `default` is for requests without one, and for a route without a section.
    #[must_use]
    pub fn route(&self, name: Option<&str>) -> Option<&RouteConfig> {
        name.and_then(|name| self.routes.get(name)).or_else(|| self.routes.get("default"))
    }

    fn check_aliases(&self) -> Result<(), String> {
        for (alias, target) in &self.aliases {
            let known = matches!(target.as_str(), "auto" | "auto:economy" | "auto:quality")
                || self.tiers.iter().any(|tier| tier.name == *target);
            if !known {
                return Err(format!(
                    "aliases.\"{alias}\" = \"{target}\": no such tier; use auto, auto:economy, auto:quality or a tier's name"
                ));
            }
        }
        Ok(())
    }
}

/// Checks that a number lies in a range, naming the key.
fn in_range(key: &str, value: f64, low: f64, high: f64) -> Result<(), String> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err(format!("{key} = {value}: must be between {low} and {high}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), toml).unwrap();
        Config::load(Some(file.path()))
    }

    #[test]
    fn the_commented_file_states_the_defaults() {
        let from_file: Config = toml::from_str(DEFAULT_TOML).unwrap();
        assert_eq!(from_file.fingerprint(), Config::default().fingerprint());
    }

    #[test]
    fn every_commented_setting_is_a_real_one() {
        let all: String = DEFAULT_TOML
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest)
                    if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) =>
                {
                    rest
                }
                _ => line,
            })
            .map(|line| format!("{line}\n"))
            .collect();
        // The aliases example comes before the tier that it would need: a tier's name is not required here.
        let all = all.replace("api_key_file", "# api_key_file").replace("api_key_credential", "# api_key_credential");
        let config: Config = toml::from_str(&all).unwrap();
        assert_eq!(config.tiers.len(), 1);
        assert!(config.model.path.is_some());
        assert_eq!(config.routes["support"].checks.len(), 5);
        assert_eq!(config.routes["support"].check("support"), Ok(()));
    }

    #[test]
    fn unknown_keys_are_refused_and_named() {
        let error = load("[server]\nbnd = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.message.contains("bnd"), "{error}");
        assert!(load("surver = 1").unwrap_err().message.contains("surver"));
    }

    #[test]
    fn a_routes_rules_name_tiers_in_order() {
        let tiers = "[[tiers]]\nname = 'a'\nmodel = 'm'\nbase_url = 'http://h'\n[[tiers]]\nname = 'b'\nmodel = 'm'\nbase_url = 'http://h'";
        assert!(load(&format!("[routes.r]\nmin_tier = 'a'\nmax_tier = 'b'\n{tiers}")).is_ok());
        assert!(
            load(&format!("[routes.r]\nmin_tier = 'b'\nmax_tier = 'a'\n{tiers}"))
                .unwrap_err()
                .message
                .contains("above")
        );
        assert!(
            load(&format!("[routes.r]\nmax_tier = 'c'\n{tiers}")).unwrap_err().message.contains("routes.r.max_tier")
        );
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        for checkpoints in ["[0]", "[32, 16]", "[16, 16]"] {
            let error = load(&format!("[cascade.stream]\ncheckpoints = {checkpoints}")).unwrap_err();
            assert!(error.message.contains("cascade.stream.checkpoints"), "{error}");
        }
        assert!(load("[routes.chat]\nttft_budget_s = -1.0").unwrap_err().message.contains("routes.chat.ttft_budget_s"));
        assert!(load("[cascade]\nmin_agreement = 2").unwrap_err().message.contains("cascade.min_agreement"));
        assert!(load("[policy]\nthreshold = \"cheapest\"").unwrap_err().message.contains("economy"));
        assert!(load("[aliases]\nx = \"nowhere\"").unwrap_err().message.contains("nowhere"));
    }
}
