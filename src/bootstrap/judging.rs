//! Has the answers judged, by the machinery that judges the decision log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::ProgressBar;
use jiff::Timestamp;
use tokio::time::sleep;

use super::answers::BLANK;
use super::error::BootstrapError;
use super::estimate::is_checked;
use super::folder::{Answers, Folder};
use super::sample::Question;
use crate::config::{Config, JudgeConfig};
use crate::decisions::DecisionRecord;
use crate::judge::commission::{Commission, commission};
use crate::judge::jobs::{self, Queue};
use crate::judge::purse::Allowance;
use crate::judge::{Bench, Worker};
use crate::upstream::Tier;

/// Tries of a judgement, and the pause before the second one: somebody waits for the end.
const TRIES: u32 = 3;
const PAUSE_S: f64 = 1.0;

/// So many failures before the first success are not about single answers.
const HOPELESS: u64 = 20;

/// From one look at how far it is to the next.
const LOOK: Duration = Duration::from_millis(200);

/// What judging takes.
pub(super) struct Judging<'a> {
    pub(super) config: &'a Config,
    pub(super) tiers: &'a [Tier],
    pub(super) folder: &'a Folder,
    pub(super) allowance: Allowance,
    pub(super) bar: &'a ProgressBar,
}

/// Makes ready to judge by a configuration, with its own number of tries and without batches.
///
/// # Errors
/// When nobody is there to judge, or the judge's key or a prompt cannot be read.
pub(super) fn bench(config: &Config, tiers: &[Tier], folder: &Folder) -> Result<Bench, BootstrapError> {
    let judge = JudgeConfig { max_attempts: TRIES, retry_pause_s: PAUSE_S, batch: false, ..config.judge.clone() };
    let config = Config { judge, ..config.clone() };
    let bench = Bench::open(&config, tiers.to_vec(), Arc::clone(&folder.store)).map_err(BootstrapError::Usage)?;
    let nobody = "nobody is there to judge the answers: set judge.tier, or a check in a route's [routes.NAME.judge]";
    bench.ok_or_else(|| BootstrapError::Usage(nobody.to_owned()))
}

impl Judging<'_> {
    /// Judges whatever has an answer of every tier, until nothing is left that money allows.
    pub(super) async fn all(
        &self,
        questions: &[Question],
        answers: &Answers,
        at_once: u32,
    ) -> Result<Queue, BootstrapError> {
        commission(&self.folder.database, &self.commissions(questions, answers)).await?;
        let bench = bench(self.config, self.tiers, self.folder)?.with(self.allowance);
        let worker = Worker::new(Arc::new(bench));
        let before = self.queue().await?;
        self.bar.set_length(before.waiting);
        tokio::select! {
            ended = self.drain(&worker, at_once) => ended?,
            hopeless = self.watch(&worker) => return Err(hopeless?),
        }
        self.queue().await
    }

    async fn queue(&self) -> Result<Queue, BootstrapError> {
        Ok(jobs::queue(&self.folder.database).await?)
    }

    /// Works until nothing waits any more, or only for money.
    async fn drain(&self, worker: &Worker, at_once: u32) -> Result<(), BootstrapError> {
        loop {
            worker.drain(at_once).await?;
            let poor = worker.counts().unaffordable.load(Ordering::Relaxed) > 0;
            let Some(due) = jobs::next_due(&self.folder.database).await?.filter(|_| !poor) else { return Ok(()) };
            let wait = due.duration_since(Timestamp::now());
            sleep(wait.try_into().unwrap_or(LOOK).max(LOOK)).await;
        }
    }

    /// Says how far it is; ends only where the judge fails and fails.
    async fn watch(&self, worker: &Worker) -> Result<BootstrapError, BootstrapError> {
        loop {
            let (judged, failed) =
                (worker.counts().judged.load(Ordering::Relaxed), worker.counts().failed.load(Ordering::Relaxed));
            self.bar.set_position(judged);
            if judged == 0 && failed >= HOPELESS {
                let one = jobs::trouble(&self.folder.database).await?.unwrap_or_default();
                return Ok(BootstrapError::Upstream(format!(
                    "{failed} tries to judge failed and none succeeded: {one}"
                )));
            }
            sleep(LOOK).await;
        }
    }

    /// What is to be judged: each answer below the highest tier's, and where a program judges, that one as well.
    fn commissions(&self, questions: &[Question], answers: &Answers) -> Vec<Commission> {
        let mut found = Vec::new();
        for question in questions {
            let Some(records) = complete(question, answers, self.tiers) else { continue };
            let Some((frontier, below)) = records.split_last() else { continue };
            let other = frontier.answer.clone().zip(frontier.model.clone().or_else(|| frontier.tier.clone()));
            let own = is_checked(self.config, question).then_some(frontier);
            let judged = below.iter().filter(|record| !is_blank(record)).chain(own);
            found.extend(judged.map(|record| Commission { decision_id: record.id.clone(), other: other.clone() }));
        }
        found
    }
}

/// The answers to a question, cheap → frontier, where every tier has given one: a whole one of the highest tier, and below it one
/// that can be judged or is blank.
pub(super) fn complete<'a>(
    question: &Question,
    answers: &'a Answers,
    tiers: &[Tier],
) -> Option<Vec<&'a DecisionRecord>> {
    let of = |tier: &Tier| {
        answers.get(&question.key, tier.name()).filter(|record| record.answer.is_some() || is_blank(record))
    };
    let records = tiers.iter().map(of).collect::<Option<Vec<_>>>()?;
    let last = records.last()?;
    let cut =
        last.attempts.iter().any(|attempt| matches!(attempt.finish_reason.as_deref(), Some("length" | "max_tokens")));
    (!cut && last.answer.is_some()).then_some(records)
}

/// Whether an answer has not a word.
pub(super) fn is_blank(record: &DecisionRecord) -> bool {
    record.error.as_deref() == Some(BLANK)
}
