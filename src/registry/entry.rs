//! What the registry knows of a model.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::database::DbRow;
use crate::decisions::StoreError;
use crate::difficulty::Artifact;
use crate::features::embedding::EmbedderId;

/// A model.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Names it: the beginning of the hash of its content.
    pub version: String,
    /// What it is used for.
    pub state: State,
    /// Where it comes from.
    pub origin: Origin,
    /// The champion when it was made.
    pub parent: Option<String>,
    /// The champion that it replaced last.
    pub previous: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it came into its state.
    pub changed_at: Timestamp,
    /// What it was fitted on and with.
    pub lineage: Lineage,
    /// What the gate said of it.
    pub report: Option<Value>,
    /// Whether it is there, and not its entry alone.
    pub is_kept: bool,
}

/// What a model was fitted on and with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The version of rungs that fitted it.
    pub rungs: String,
    /// The embedder that it needs.
    pub embedder: EmbedderId,
    /// The hash of the feature schema that it needs.
    pub schema: String,
    /// The hash of the rows that it was fitted on.
    pub data: String,
    /// Those rows.
    pub rows: usize,
    /// Its tiers, cheap → frontier.
    pub tiers: Vec<String>,
    /// The seed of the fit.
    pub seed: u64,
    /// Settings chosen by validation.
    pub hyper_parameters: IndexMap<String, f64>,
}

/// What a model is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing yet.
    Challenger,
    /// It scores what was decided by the champion, and decides nothing.
    Shadow,
    /// It decides a share of the requests.
    Canary,
    /// It decides.
    Champion,
    /// Nothing any more.
    Retired,
}

/// Where a model comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The configuration, or the binary.
    Configured,
    /// The decision log.
    #[default]
    Retrain,
    /// Prompts that were put to every tier.
    Bootstrap,
    /// A folder that an operator named.
    Added,
}

/// A change of a model's state.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// What it became.
    pub state: State,
    /// By whom: `retrain`, `bootstrap`, `rollout`, `operator`, `alarm`, `configuration`.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// An attempt to replace a champion.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// UUIDv7.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Against whom.
    pub champion: String,
    /// By whom; `None` where nothing could be fitted.
    pub challenger: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// All that was found.
    pub report: Value,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The gate let it pass, and it is the champion.
    Promoted,
    /// The gate let it pass, and it is tried out first.
    OnTrial,
    /// The gate let it pass, and it waits for an operator.
    Waiting,
    /// It is the first of its own, in place of a model that knows nothing of these tiers: there was nothing to be held against.
    First,
    /// The gate refused it.
    Refused,
    /// The gate refused it, and an operator wanted it all the same.
    Forced,
    /// There was nothing to fit or to judge by.
    Nothing,
}

impl Entry {
    pub(super) fn new(artifact: &Artifact, state: State, origin: Origin, parent: Option<&str>) -> Self {
        let now = Timestamp::now();
        Self {
            version: artifact.version(),
            state,
            origin,
            parent: parent.map(str::to_owned),
            previous: None,
            created_at: now,
            changed_at: now,
            lineage: Lineage::of(artifact),
            report: None,
            is_kept: true,
        }
    }

    /// Reads a row of [`super::statements::entries`].
    pub(super) fn read(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self {
            version: row.text(0)?,
            state: word(&row.text(1)?)?,
            origin: word(&row.text(2)?)?,
            parent: row.maybe_text(3)?,
            previous: row.maybe_text(4)?,
            created_at: time(row.int(5)?)?,
            changed_at: time(row.int(6)?)?,
            lineage: json(&row.text(7)?)?,
            report: row.maybe_text(8)?.as_deref().map(json).transpose()?,
            is_kept: row.int(9)? != 0,
        })
    }
}

impl Change {
    /// Reads a row of `at, state, who, reason`.
    pub(super) fn read(row: &DbRow) -> Result<Self, StoreError> {
        Ok(Self { at: time(row.int(0)?)?, state: word(&row.text(1)?)?, who: row.text(2)?, reason: row.text(3)? })
    }
}

impl Attempt {
    /// An attempt that ends now.
    #[must_use]
    pub fn now(champion: &str, challenger: Option<String>, outcome: Outcome, reason: String, report: Value) -> Self {
        let id = Uuid::now_v7().to_string();
        Self { id, at: Timestamp::now(), champion: champion.to_owned(), challenger, outcome, reason, report }
    }
}

impl Lineage {
    fn of(artifact: &Artifact) -> Self {
        Self {
            rungs: artifact.rungs.clone(),
            embedder: artifact.embedder.clone(),
            schema: artifact.schema.hash.clone(),
            data: artifact.training.data.clone(),
            rows: artifact.training.rows,
            tiers: artifact.tiers().map(str::to_owned).collect(),
            seed: artifact.training.seed,
            hyper_parameters: artifact.training.hyper_parameters.clone(),
        }
    }
}

impl State {
    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Challenger => "challenger",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Champion => "champion",
            Self::Retired => "retired",
        }
    }
}

impl Origin {
    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Retrain => "retrain",
            Self::Bootstrap => "bootstrap",
            Self::Added => "added",
        }
    }
}

impl Outcome {
    /// Outcomes of the gate: each spent some of the probability of a wrong promotion.
    pub(super) const GATED: [Self; 4] = [Self::Promoted, Self::OnTrial, Self::Waiting, Self::Refused];

    /// Whether the challenger came further than to be written down.
    #[must_use]
    pub fn passes(self) -> bool {
        !matches!(self, Self::Refused | Self::Nothing)
    }

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::OnTrial => "on_trial",
            Self::Waiting => "waiting",
            Self::First => "first",
            Self::Refused => "refused",
            Self::Forced => "forced",
            Self::Nothing => "nothing",
        }
    }
}

fn word<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, StoreError> {
    serde_json::from_value(Value::from(word)).map_err(|error| unreadable(&error))
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

fn time(at: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(at).map_err(|error| unreadable(&error))
}

fn unreadable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError(format!("an entry of the registry cannot be read: {error}"))
}
