//! `rungs judge`: works on what is to be judged, and tells how it goes.

mod anchors;
mod text;

pub(super) use text::quality;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::output::OutputArgs;
use super::signals::signalled;
use super::since;
use crate::cli::Failure;
use crate::config::Config;
use crate::database::Database;
use crate::decisions::{self, DecisionStore};
use crate::judge::figures::{Figures, figures};
use crate::judge::jobs::{self, DeadLetter};
use crate::judge::{Bench, Worker};
use crate::upstream::Tier;

/// Arguments of `rungs judge`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Work on jobs, beside or in place of the workers of `rungs serve`.
    Run {
        #[command(flatten)]
        place: Place,
        /// End when nothing is due any more.
        #[arg(long)]
        once: bool,
        /// Jobs at once, in place of the configuration's.
        #[arg(long, value_name = "N")]
        workers: Option<u32>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show the queue, what was put aside, spending, quality and how good the judge is.
    Status {
        #[command(flatten)]
        place: Place,
        /// Quality of newer requests only: 7d, 36h or 2026-11-01T00:00:00Z.
        #[arg(long, value_name = "TIME", value_parser = since::parse)]
        since: Option<Timestamp>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Bring jobs back that were put aside.
    Requeue {
        #[command(flatten)]
        place: Place,
        /// Their ids, or those of their decisions; without any, all.
        ids: Vec<String>,
    },
    /// Answers that people have judged: how good the judge is.
    Anchors {
        #[command(subcommand)]
        what: anchors::What,
    },
}

/// Which log.
#[derive(Debug, clap::Args)]
struct Place {
    /// The configuration that names log, tiers and judge.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What a run has done.
#[derive(Debug, Serialize)]
struct Done {
    judged: u64,
    failed: u64,
    batched: u64,
    unaffordable: u64,
}

/// What `rungs judge status` prints.
#[derive(Debug, Serialize)]
struct Status {
    #[serde(flatten)]
    figures: Figures,
    dead: Vec<DeadLetter>,
}

/// Jobs that were put aside that are shown.
const MOST_SHOWN: u32 = 20;

/// Runs the command.
///
/// # Errors
/// When the configuration, a prompt or the judge's key is refused, or the log cannot be opened, read or written.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.what {
        What::Run { place, once, workers, output } => {
            let done = place.open(|config, store| work(config, store, *once, *workers))?;
            output.print(&done, text::done)
        }
        What::Status { place, since, output } => {
            let status = place.open(|_, store| async move {
                let database = database(store.as_ref())?;
                let figures = figures(&database, *since).await?;
                Ok(Status { figures, dead: jobs::dead(&database, MOST_SHOWN).await? })
            })?;
            output.print(&status, text::status)
        }
        What::Requeue { place, ids } => {
            let brought = place.open(|_, store| async move {
                Ok(jobs::requeue(&database(store.as_ref())?, ids, Timestamp::now()).await?)
            })?;
            if brought == 0 && !ids.is_empty() {
                let list = "`rungs judge status` lists what was put aside";
                return Err(Failure::bad_input(format!("none of these was put aside: {}; {list}", ids.join(", "))));
            }
            eprintln!("{brought} jobs are tried again");
            Ok(())
        }
        What::Anchors { what } => anchors::run(what),
    }
}

async fn work(config: Config, store: Arc<dyn DecisionStore>, once: bool, workers: Option<u32>) -> anyhow::Result<Done> {
    let tiers = config.tiers.iter().map(|tier| Tier::open(tier.clone(), &config.upstreams));
    let tiers = tiers.collect::<Result<Vec<_>, _>>().map_err(anyhow::Error::msg)?;
    let bench = Bench::open(&config, tiers, store).map_err(anyhow::Error::msg)?;
    let bench =
        bench.context("nobody is there to judge: set judge.tier, or a check in a route's [routes.NAME.judge]")?;
    let worker = Worker::new(Arc::new(bench));
    let at_once = workers.unwrap_or(config.judge.workers).max(1);
    let progress = progress(&worker);
    if once {
        worker.drain(at_once).await?;
    } else {
        let stop = CancellationToken::new();
        tokio::select! {
            () = worker.run(at_once, &stop) => {}
            () = signalled() => stop.cancel(),
        }
    }
    progress.abort();
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let counts = worker.counts();
    Ok(Done {
        judged: count(&counts.judged),
        failed: count(&counts.failed),
        batched: count(&counts.batched),
        unaffordable: count(&counts.unaffordable),
    })
}

/// Says on a terminal how many jobs are judged.
fn progress(worker: &Worker) -> tokio::task::JoinHandle<()> {
    let worker = worker.clone();
    let style = ProgressStyle::with_template("{spinner} {pos} judged, {msg} failed, {elapsed}");
    let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    tokio::spawn(async move {
        loop {
            bar.set_position(worker.counts().judged.load(Ordering::Relaxed));
            bar.set_message(worker.counts().failed.load(Ordering::Relaxed).to_string());
            bar.tick();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
}

fn database(store: &dyn DecisionStore) -> anyhow::Result<Database> {
    store.database().context("the log has no database")
}

impl Place {
    /// Opens the log, gives it to `use_it` and closes it again.
    fn open<T, F>(&self, use_it: impl FnOnce(Config, Arc<dyn DecisionStore>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = anyhow::Result<T>>,
    {
        let config = Config::load(self.config.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
        runtime.block_on(async {
            let store = decisions::open(&config.log, &config.data_dir()).await.map_err(Failure::bad_input)?;
            let result = use_it(config, Arc::clone(&store)).await;
            store.close().await.map_err(anyhow::Error::from)?;
            result.map_err(Failure::from)
        })
    }
}
