//! The whole loop on this machine: fit on one half of the sample, route the other half over HTTP, read the log.
//!
//! Every figure comes from the decision log or from the recorded scores of what was served; no model is called.

mod run;
mod servers;
mod traffic;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use indexmap::IndexMap;
use jiff::Timestamp;
use rungs_training::Settings;
use serde::Serialize;

pub use run::{Estimate, Policy, Run};

use crate::config::{CascadeConfig, Config, EmbeddingConfig, ModelConfig};
use crate::decisions::{DecisionFilter, DecisionRecord, DecisionStore};
use crate::difficulty::learn::learn;
use crate::difficulty::matrix::Task;
use crate::difficulty::prices::Prices;
use crate::difficulty::rows::Unit;
use crate::features::Extractor;
use crate::labelled::LabelledQuery;
use crate::standin;

/// What the demo is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the artifact and the decision log are written.
    pub folder: PathBuf,
    /// How many times as long as the recorded ones the calls take; 0 answers at once.
    pub pace: f64,
}

/// What the demo shows.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What the figures are about, so that nobody takes them for those of real models.
    pub data: &'static str,
    /// Queries that the artifact was fitted on.
    pub trained_on: usize,
    /// The `model` that the client asked for, and what came of it.
    pub runs: IndexMap<&'static str, Run>,
    /// How long all of it took.
    pub seconds: f64,
}

/// The operating points that are tried.
const MODELS: [&str; 2] = ["auto:economy", "auto"];

/// Runs the loop to its end.
///
/// # Errors
/// When the fit fails, a port or file cannot be had, or a request is missing from the log.
pub fn run(options: &Options) -> anyhow::Result<Summary> {
    let start = Instant::now();
    let (train, test): (Vec<_>, Vec<_>) =
        standin::sample()?.into_iter().partition(|query| query.split.as_deref() == Some("train"));
    let model = options.folder.join("model");
    let trained_on = train.len();
    fit(train, &model)?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let log = runtime.block_on(route(options, &model, &test))?;
    let run = |model| {
        let asked = log.iter().filter(|record| record.requested_model == model);
        let records = asked.filter_map(|record| Some((record.task.as_deref()?, record))).collect();
        Ok((model, Run::new(&test, &records)?))
    };
    Ok(Summary {
        data: "the synthetic sample, replayed; no model was called",
        trained_on,
        runs: MODELS.into_iter().map(run).collect::<anyhow::Result<_>>()?,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Sends every query through the router, once for each operating point; gives the log of it.
async fn route(options: &Options, model: &Path, queries: &[LabelledQuery]) -> anyhow::Result<Vec<DecisionRecord>> {
    let tiers = servers::replay(options.pace).await?;
    let config = Config {
        data_dir: Some(options.folder.clone()),
        model: ModelConfig { path: Some(model.to_owned()) },
        tiers: tiers.configs(),
        // Which of several samples comes first is chance, and the demo's figures are to come out the same again.
        cascade: CascadeConfig { samples: 1, ..CascadeConfig::default() },
        ..Config::default()
    };
    let router = servers::route(config, &options.folder).await?;
    let start = Timestamp::now();
    for model in MODELS {
        traffic::send(&router.url, model, queries).await?;
    }
    let log = read(&*router.store, start).await?;
    router.stop().await?;
    Ok(log)
}

/// The whole log from `since` on.
async fn read(store: &dyn DecisionStore, since: Timestamp) -> anyhow::Result<Vec<DecisionRecord>> {
    let mut filter = DecisionFilter { limit: 1000, since: Some(since), ..DecisionFilter::default() };
    let mut records = Vec::new();
    loop {
        let page = store.list(&filter).await?;
        records.extend(page.decisions);
        filter.before = page.next;
        if filter.before.is_none() {
            return Ok(records);
        }
    }
}

/// Fits an artifact for the stand-ins and writes it to a folder.
fn fit(queries: Vec<LabelledQuery>, out: &Path) -> anyhow::Result<()> {
    let configs = standin::configs()?;
    let tiers = configs.iter().map(|tier| tier.name.clone()).collect();
    let task = Task { tiers, unit: Unit::Group, prices: Prices::of(&configs) };
    let extractor = Extractor::open(&EmbeddingConfig::default(), out)?;
    let learned = learn(queries.into_iter().map(Ok), &task, &extractor, &Settings::default())?;
    Ok(learned.artifact.save(out)?)
}
