//! From prompts to a model in the registry.

use std::path::PathBuf;
use std::sync::Arc;

use indicatif::ProgressBar;

use super::answers::Asking;
use super::error::BootstrapError;
use super::estimate::{Estimate, Expected};
use super::folder::{Answers, Folder};
use super::judging::{Judging, bench};
use super::ledger::Ledger;
use super::model::Making;
use super::rows;
use super::sample::Question;
use super::summary::{Failed, Summary};
use crate::config::Config;
use crate::decisions::DecisionStore;
use crate::judge::jobs::{self, Queue};
use crate::judge::purse::Allowance;
use crate::upstream::Tier;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for everything that is paid for and made.
    pub folder: PathBuf,
    /// The most that all of it may cost, earlier runs in the folder included, USD.
    pub max_usd: Option<f64>,
    /// Tokens of an answer, until a tier's own answers tell.
    pub answer_tokens: Option<u64>,
    /// Calls at once.
    pub at_once: u32,
    /// Seed of the fit.
    pub seed: u64,
}

/// A bootstrap that knows what it will cost.
pub struct Bootstrap {
    config: Config,
    tiers: Vec<Tier>,
    questions: Vec<Question>,
    settings: Settings,
    folder: Folder,
    answers: Answers,
    expected: Expected,
    estimate: Estimate,
    /// What earlier runs have paid, USD.
    paid: f64,
}

impl Bootstrap {
    /// Opens the folder and counts what is missing. Nothing is called yet.
    ///
    /// # Errors
    /// When the configuration lacks tiers or a judge, there is no prompt, a limit is given that cannot be kept to or will not
    /// suffice, or the folder cannot be used.
    pub async fn prepare(config: Config, questions: Vec<Question>, settings: Settings) -> Result<Self, BootstrapError> {
        let usage = |text: &str| Err(BootstrapError::Usage(text.to_owned()));
        if config.tiers.len() < 2 {
            return usage("at least two [[tiers]] have to be configured, cheap first: there is nothing to choose from");
        }
        if questions.is_empty() {
            return usage("there are no prompts: name files with --data, or let `rungs serve` see some requests first");
        }
        let tiers = config.tiers.iter().map(|tier| Tier::open(tier.clone(), &config.upstreams));
        let tiers = tiers.collect::<Result<Vec<_>, _>>().map_err(BootstrapError::Usage)?;
        let folder = Folder::open(&settings.folder).await?;
        bench(&config, &tiers, &folder)?;
        let (answers, judged) = (folder.answers(&tiers).await?, folder.judged().await?);
        let expected = Expected::of(&answers, settings.answer_tokens);
        let estimate = Estimate::of(&config, &tiers, &questions, &expected, (&answers, &judged));
        let paid = folder.paid().await? + jobs::queue(&folder.database).await?.spent_usd;
        let prepared = Self { config, tiers, questions, settings, folder, answers, expected, estimate, paid };
        prepared.check_limit()?;
        Ok(prepared)
    }

    /// What it is expected to cost.
    #[must_use]
    pub fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// What earlier runs in the folder have paid, USD, as far as it is known.
    #[must_use]
    pub fn paid(&self) -> f64 {
        self.paid
    }

    fn check_limit(&self) -> Result<(), BootstrapError> {
        let Some(most) = self.settings.max_usd else { return Ok(()) };
        let Some(usd) = self.estimate.usd else {
            let missing = "--max-usd cannot be kept to: give every tier and the judge a `price`";
            return Err(BootstrapError::Usage(missing.to_owned()));
        };
        if self.paid + usd > most {
            return Err(BootstrapError::Usage(format!(
                "about ${usd:.4} would be spent and ${:.4} is already, which is more than --max-usd {most}: take fewer prompts \
                 (--sample) or allow more",
                self.paid
            )));
        }
        Ok(())
    }

    /// Lets go of the folder without having called anything.
    ///
    /// # Errors
    /// When the folder's log cannot be closed.
    pub async fn give_up(self) -> Result<(), BootstrapError> {
        Ok(self.folder.close().await?)
    }

    /// Asks, has judged, fits, and registers in the registry of `store`. `told` hears which step begins, with the bar that follows
    /// it.
    ///
    /// # Errors
    /// When a tier or the judge does not answer at all, or something cannot be read or written; what was paid for is kept.
    pub async fn run(
        mut self,
        store: Arc<dyn DecisionStore>,
        told: &(dyn Fn(&str) -> ProgressBar + Sync),
    ) -> Result<Summary, BootstrapError> {
        let (mut failed, mut limit_reached) = self.ask(told).await?;
        self.answers = self.folder.answers(&self.tiers).await?;
        let queue = self.judge(told).await?;
        limit_reached |= queue.waiting > 0;
        failed.extend(self.unjudged(&queue).await?);
        told("fitting");
        let labels = rows::labels(&self.folder, &self.tiers, &self.questions, &self.answers).await?;
        let labelled = self.folder.file("labelled.jsonl");
        rows::write(&labels.rows, &labelled)?;
        let rows = labels.rows.len();
        let folder = self.folder.file("model");
        let (config, seed) = (&self.config, self.settings.seed);
        let making = Making { store, config, labels, labelled: &labelled, folder: &folder, seed };
        let made = making.make().await?;
        let known = self.estimate.usd.is_some();
        let spent_usd = known.then_some(self.folder.paid().await? + queue.spent_usd);
        self.folder.close().await?;
        Ok(Summary {
            prompts: self.questions.len(),
            rows,
            spent_usd,
            limit_reached,
            failed,
            labelled,
            model: made.folder,
            out_of_fold: made.figures,
            registry: made.report,
        })
    }

    /// Gives what failed, and whether the limit ended it.
    async fn ask(&self, told: &(dyn Fn(&str) -> ProgressBar + Sync)) -> Result<(Vec<Failed>, bool), BootstrapError> {
        // What judging is expected to take is not spent on answers.
        let judging = self.estimate.judge.usd.unwrap_or(0.0);
        let ledger = Ledger::new(self.settings.max_usd.map(|most| most - self.paid - judging));
        let bar = told("asking the tiers");
        let asking =
            Asking { folder: &self.folder, tiers: &self.tiers, expected: &self.expected, ledger: &ledger, bar: &bar };
        let failed = asking.all(&self.questions, &self.answers, self.settings.at_once as usize).await;
        bar.finish_and_clear();
        Ok((failed?, ledger.stopped().is_some()))
    }

    async fn judge(&self, told: &(dyn Fn(&str) -> ProgressBar + Sync)) -> Result<Queue, BootstrapError> {
        let Estimate { judge, .. } = &self.estimate;
        let each_usd = judge.usd.unwrap_or(0.0) / judge.calls.max(1) as f64;
        let answers = self.folder.paid().await?;
        let usd = self.settings.max_usd.map(|most| most - answers);
        let bar = told("judging the answers");
        let judging = Judging {
            config: &self.config,
            tiers: &self.tiers,
            folder: &self.folder,
            allowance: Allowance { usd, each_usd },
            bar: &bar,
        };
        let queue = judging.all(&self.questions, &self.answers, self.settings.at_once).await;
        bar.finish_and_clear();
        queue
    }

    /// Judgements that were put aside.
    async fn unjudged(&self, queue: &Queue) -> Result<Vec<Failed>, BootstrapError> {
        let dead = jobs::dead(&self.folder.database, u32::try_from(queue.dead).unwrap_or(u32::MAX)).await?;
        let question = |id: &str| {
            let decision = id.split('/').next().unwrap_or(id);
            self.questions.iter().find(|one| {
                self.tiers
                    .iter()
                    .any(|tier| self.answers.get(&one.key, tier.name()).is_some_and(|record| record.id == decision))
            })
        };
        Ok(dead.into_iter().filter_map(|job| Some(Failed::of(question(&job.id)?, "judge", job.error))).collect())
    }
}
