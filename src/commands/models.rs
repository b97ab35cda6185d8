//! `rungs models`: the registry.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::log::with_log;
use super::output::OutputArgs;
use crate::cli::Failure;
use crate::config::Config;
use crate::difficulty::{Artifact, Scorer};
use crate::registry::{Change, Entry, Origin, Registry, RegistryError, State};

/// Arguments of `rungs models`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// All models with their states, the last changed first.
    List(List),
    /// One model: where it comes from, what the gate said of it, what became of it.
    Show(Show),
    /// Make a model the champion, whatever the gate says of it; every router follows within seconds.
    Promote(Promote),
    /// Make the champion before this one the champion again.
    Rollback(Rollback),
    /// Add the model of a folder as a challenger.
    Add(Add),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// Its version, or the beginning of it.
    version: String,
    /// Write its model.json to this folder, for `rungs score` and the like.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
struct Promote {
    /// Its version, or the beginning of it.
    version: String,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
struct Rollback {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
struct Add {
    /// The folder that `rungs train --out` wrote.
    folder: PathBuf,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Which registry.
#[derive(Debug, clap::Args)]
struct RegistryArgs {
    /// The configuration that names the log, in whose database the registry is.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What `list` prints.
#[derive(Serialize)]
struct Listed {
    /// The configuration's model, which serves while no model was promoted.
    configured: String,
    models: Vec<Entry>,
}

/// What `show` prints.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    entry: Entry,
    changes: Vec<Change>,
}

/// What a change prints.
#[derive(Serialize)]
struct Serving {
    champion: String,
}

/// Reads or changes the registry.
///
/// # Errors
/// When the configuration or the model is at fault, or the database cannot be read or written.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.what {
        What::List(args) => {
            let listed = args.registry.with(|registry, config| async move {
                let configured = Scorer::open(&config).map_err(Failure::bad_input)?.version().to_owned();
                Ok(Listed { configured, models: registry.list().await.map_err(RegistryError::from)? })
            })?;
            args.output.print(&listed, list)
        }
        What::Show(args) => {
            let shown = args.registry.with(|registry, _| async move {
                let version = resolve(&registry, &args.version).await?;
                if let Some(out) = &args.out {
                    registry.load(&version).await?.save(out).map_err(|error| Failure::Failed(error.into()))?;
                }
                let changes = registry.changes_of(&version).await.map_err(RegistryError::from)?;
                Ok(Shown { entry: registry.find(&version).await?, changes })
            })?;
            args.output.print(&shown, show)
        }
        What::Promote(args) => {
            let champion = args.registry.with(|registry, config| async move {
                let version = resolve(&registry, &args.version).await?;
                // What was served by the configuration until now is what a rollback goes back to.
                registry.adopt(Scorer::open(&config).map_err(Failure::bad_input)?.artifact()).await?;
                registry.promote(&version, "operator", "asked for by `rungs models promote`").await?;
                Ok(Serving { champion: version })
            })?;
            args.output.print(&champion, serving)
        }
        What::Rollback(args) => {
            let champion = args.registry.with(|registry, _| async move {
                let reason = "asked for by `rungs models rollback`";
                Ok(Serving { champion: registry.rollback("operator", reason).await? })
            })?;
            args.output.print(&champion, serving)
        }
        What::Add(args) => {
            let added = args.registry.with(|registry, config| async move {
                let artifact = Artifact::load(&args.folder).map_err(Failure::bad_input)?;
                let artifact = Scorer::of(artifact, &config).map_err(Failure::bad_input)?.into_artifact();
                let champion = registry.in_state(State::Champion).await.map_err(RegistryError::from)?;
                registry.add(&artifact, Origin::Added, champion.as_deref()).await?;
                Ok(registry.find(&artifact.version()).await?)
            })?;
            args.output.print(&added, line)
        }
    }
}

impl RegistryArgs {
    fn with<T, F>(&self, ask: impl FnOnce(Registry, Config) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        with_log(self.config.as_deref(), |config, store| async move {
            let database = store.database().ok_or_else(|| Failure::bad_input("the log has no database"))?;
            let registry = Registry::open(database, &config.data_dir());
            ask(registry, config).await
        })
    }
}

/// The one model whose version begins so.
async fn resolve(registry: &Registry, beginning: &str) -> Result<String, Failure> {
    let models = registry.list().await.map_err(RegistryError::from)?;
    let mut found = models.into_iter().map(|entry| entry.version).filter(|version| version.starts_with(beginning));
    match (found.next(), found.next()) {
        (Some(version), None) => Ok(version),
        (None, _) => Err(RegistryError::Unknown(beginning.to_owned()).into()),
        (Some(_), Some(_)) => {
            Err(Failure::bad_input(format!("more than one model's version begins with `{beginning}`")))
        }
    }
}

fn list(listed: &Listed) -> String {
    let mut text: String = listed.models.iter().map(line).collect();
    if !listed.models.iter().any(|entry| entry.state == State::Champion) {
        let _ = writeln!(
            text,
            "{:<12}  {:<10}  serves by the configuration: nothing was promoted",
            listed.configured, "champion"
        );
    }
    text
}

fn line(entry: &Entry) -> String {
    let Entry { version, state, origin, changed_at, lineage, is_kept, .. } = entry;
    let gone = if *is_kept { "" } else { "  (entry alone)" };
    let tiers = lineage.tiers.join(" → ");
    let (state, origin) = (state.name(), origin.name());
    format!("{version:<12}  {state:<10}  {origin:<10}  {changed_at:.0}  {:>6} rows  {tiers}{gone}\n", lineage.rows)
}

fn show(shown: &Shown) -> String {
    let Entry { parent, previous, created_at, lineage, report, .. } = &shown.entry;
    let mut text = line(&shown.entry);
    let or = |version: &Option<String>| version.clone().unwrap_or_else(|| "nothing".to_owned());
    let _ = writeln!(text, "made      {created_at:.0} by rungs {}, challenging {}", lineage.rungs, or(parent));
    let _ = writeln!(text, "replaced  {}", or(previous));
    let _ = writeln!(text, "data      {:.16}, seed {}", lineage.data, lineage.seed);
    let _ = writeln!(
        text,
        "embedder  {} {}, schema {:.8}",
        lineage.embedder.backend, lineage.embedder.model, lineage.schema
    );
    for Change { at, state, who, reason } in &shown.changes {
        let _ = writeln!(text, "{at:.0}  {:<10}  {who}: {reason}", state.name());
    }
    if let Some(reason) = report.as_ref().and_then(|report| report.get("reason")?.as_str()) {
        let _ = writeln!(text, "gate      {reason}");
    }
    text
}

fn serving(serving: &Serving) -> String {
    format!("{} is the champion\n", serving.champion)
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Store(_) | RegistryError::File { .. } => Self::Failed(error.into()),
            error => Self::bad_input(error),
        }
    }
}
