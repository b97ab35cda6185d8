//! One job from its record to its verdicts.

use super::asking::{Matter, Opinion};
use super::bench::{Bench, Route};
use super::call::{Ask, Called, Failure, forget_all};
use super::check;
use super::jobs::{self, Job};
use super::verdict::{Kind, Subject, Verdict};
use super::verdicts;
use crate::chat::ChatRequest;
use crate::database::Statement;
use crate::decisions::{AttemptStatus, DecisionRecord};
use crate::http::without_ours;
use crate::upstream::Tier;

/// What became of a job.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Progress {
    /// It is judged.
    Done,
    /// It waits for a batch.
    Batched,
}

/// What a job calls the answer that it buys to compare with.
pub(super) const ANSWER: &str = "answer";

/// An answer to be judged.
#[derive(Debug)]
struct Case<'a> {
    record: &'a DecisionRecord,
    request: &'a ChatRequest,
    route: &'a Route,
    subject: Subject,
    /// The judged answer, its tier and its model.
    answer: String,
    tier: String,
    model: Option<String>,
    /// What buying another answer cost.
    bought_usd: Option<f64>,
}

/// An answer to compare with.
#[derive(Debug)]
struct Other<'a> {
    text: &'a str,
    tier: &'a str,
    model: &'a str,
}

impl Bench {
    /// Judges an answer and commits its verdicts together with the end of its job.
    pub(super) async fn work(&self, job: &Job) -> Result<Progress, Failure> {
        if job.subject == Subject::Anchor {
            return self.anchor(job).await;
        }
        let record = self.store.get(&job.decision_id).await?;
        let record = record.ok_or_else(|| Failure::Lasting("its record is gone".to_owned()))?;
        let (Some(body), Some(answer)) = (&record.request, &record.answer) else {
            return Err(Failure::Lasting("its request and answer are not kept any more".to_owned()));
        };
        let request =
            ChatRequest::parse(body.to_string().as_bytes()).map_err(|error| Failure::Lasting(error.to_string()))?;
        let route = self.route(record.route.as_deref());
        let tier = record.tier.clone().unwrap_or_default();
        let served = Case {
            record: &record,
            request: &request,
            route,
            subject: Subject::Served,
            answer: answer.clone(),
            tier,
            model: record.model.clone(),
            bought_usd: Some(0.0),
        };
        let found = match job.subject {
            Subject::Served => self.served(job, served).await?,
            Subject::Shadow | Subject::Anchor => self.shadow(job, served).await?,
        };
        let Some(found) = found else { return Ok(Progress::Batched) };
        self.commit(job, &found).await
    }

    /// Verdicts and the end of their job, both or neither.
    pub(super) async fn commit(&self, job: &Job, found: &[Verdict]) -> Result<Progress, Failure> {
        let mut statements: Vec<Statement> = Vec::new();
        for verdict in found {
            statements.extend(verdicts::insert(&self.database, verdict)?);
        }
        statements.extend([jobs::done(job), forget_all(job)]);
        self.database.transaction(statements).await?;
        Ok(Progress::Done)
    }

    /// Verdicts on the answer that the client got.
    async fn served(&self, job: &Job, case: Case<'_>) -> Result<Option<Vec<Verdict>>, Failure> {
        if case.route.rules.is_free() {
            let is_good = check::alone(&case.route.rules, &self.schemas, &case.answer).await;
            let is_good = is_good.ok_or_else(|| Failure::Lasting("the route's schema cannot be applied".to_owned()))?;
            return Ok(Some(vec![case.verdict(Kind::Check, is_good)]));
        }
        let Some(frontier) = self.frontier() else { return Err(Failure::Lasting("there are no tiers".to_owned())) };
        let is_frontier = case.tier == frontier.name();
        if is_frontier && case.route.rules.same.is_some() {
            // It is the measure itself.
            return Ok(Some(vec![case.verdict(Kind::Check, true)]));
        }
        if is_frontier {
            let arms = [case.model.as_deref().unwrap_or_default()];
            let matter = Matter { request: case.request, answer: &case.answer, arms: &arms };
            let opinion = self.grade(job, &case.route.rubric, matter).await?;
            return Ok(opinion.map(|opinion| vec![case.judged(Kind::Rubric, &opinion)]));
        }
        let Some(bought) = self.buy(job, &case, frontier).await? else { return Ok(None) };
        let text = said(frontier, &bought)?;
        let other = Other { text: &text, tier: frontier.name(), model: &bought.model };
        self.against(job, Case { bought_usd: bought.cost_usd, ..case }, other).await
    }

    /// Verdicts on what another tier would have answered, against the answer that the client got.
    async fn shadow(&self, job: &Job, served: Case<'_>) -> Result<Option<Vec<Verdict>>, Failure> {
        let other = self.other(served.record)?;
        let Some(bought) = self.buy(job, &served, other).await? else { return Ok(None) };
        let (text, tier, model) =
            (served.answer.clone(), served.tier.clone(), served.model.clone().unwrap_or_default());
        let case = Case {
            subject: Subject::Shadow,
            answer: bought.said.clone().unwrap_or_default(),
            tier: other.name().to_owned(),
            model: Some(bought.model),
            bought_usd: bought.cost_usd,
            ..served
        };
        if let Err(why) = bought.said {
            if was_cut(case.record) {
                return Err(Failure::Lasting(format!("{} {why}, and so was the served answer", case.tier)));
            }
            // What is no answer is worse than one; nobody need be asked.
            let verdict = Verdict { against: Some(tier), reason: Some(why), ..case.verdict(Kind::Check, false) };
            return Ok(Some(vec![verdict]));
        }
        self.against(job, case, Other { text: &text, tier: &tier, model: &model }).await
    }

    /// The tier where routing would have begun with a request that it was kept from, else the cheapest.
    fn other(&self, record: &DecisionRecord) -> Result<&Tier, Failure> {
        let gone = |name: &str| Failure::Lasting(format!("there is no tier `{name}` any more"));
        match record.elsewhere() {
            Some(name) => self.tiers.iter().find(|tier| tier.name() == name).ok_or_else(|| gone(name)),
            None => self.tiers.first().ok_or_else(|| Failure::Lasting("there are no tiers".to_owned())),
        }
    }

    /// An answer of another tier to the same request.
    async fn buy(&self, job: &Job, case: &Case<'_>, tier: &Tier) -> Result<Option<Called>, Failure> {
        let request = without_ours(case.request.clone()).without("stream").without("stream_options").without("n");
        let ask = Ask { name: ANSWER.to_owned(), tier, request, batched: false };
        Ok(self.call(job, vec![ask]).await?.and_then(|mut called| called.pop()))
    }

    async fn against(&self, job: &Job, case: Case<'_>, other: Other<'_>) -> Result<Option<Vec<Verdict>>, Failure> {
        let against = Some(other.tier.to_owned());
        if let Some(sameness) = case.route.rules.same {
            let is_same = check::same(sameness, &case.answer, other.text).ok_or_else(|| {
                Failure::Lasting(format!("the answer of {} is not of the kind that the route compares", other.tier))
            })?;
            return Ok(Some(vec![Verdict { against, ..case.verdict(Kind::Check, is_same) }]));
        }
        let arms = [case.model.as_deref().unwrap_or_default(), other.model];
        let matter = Matter { request: case.request, answer: &case.answer, arms: &arms };
        let found = self.compare(job, &case.route.pairwise, matter, other.text).await?;
        Ok(found.map(|found| {
            let verdict = |(i, opinion): (usize, &Opinion)| {
                let verdict = case.judged(Kind::Pairwise, opinion);
                // What was bought is paid for once.
                let cost_usd = if i == 0 { verdict.cost_usd } else { opinion.cost_usd };
                Verdict { against: against.clone(), second: i > 0, cost_usd, ..verdict }
            };
            found.iter().enumerate().map(verdict).collect()
        }))
    }
}

impl Case<'_> {
    /// A judge's verdict.
    fn judged(&self, kind: Kind, opinion: &Opinion) -> Verdict {
        let prompt = if kind == Kind::Rubric { &self.route.rubric } else { &self.route.pairwise };
        Verdict {
            score: opinion.preference.score(),
            preference: (kind == Kind::Pairwise).then_some(opinion.preference),
            order: opinion.order,
            lengths: opinion.lengths,
            judge: Some(opinion.judge.clone()),
            prompt: Some(prompt.version.clone()),
            reason: Some(opinion.reason.clone()),
            cost_usd: opinion.cost_usd.zip(self.bought_usd).map(|(judged, bought)| judged + bought),
            ..self.verdict(kind, true)
        }
    }

    /// A verdict without a judge.
    fn verdict(&self, kind: Kind, is_good: bool) -> Verdict {
        let predicted = self.record.p.get(&self.tier).map(|p| p.get());
        Verdict {
            tier: Some(self.tier.clone()),
            model: self.model.clone(),
            subject: self.subject,
            predicted,
            cost_usd: self.bought_usd,
            ..Verdict::of(self.record, kind, if is_good { 1.0 } else { 0.0 })
        }
    }
}

/// Whether the answer that the client got ends at its token limit.
fn was_cut(record: &DecisionRecord) -> bool {
    let served = record.attempts.iter().rev().find(|attempt| attempt.status == AttemptStatus::Accepted);
    served.is_some_and(|attempt| matches!(attempt.finish_reason.as_deref(), Some("length" | "max_tokens")))
}

/// The text of a bought answer.
fn said(tier: &Tier, called: &Called) -> Result<String, Failure> {
    called.said.clone().map_err(|why| Failure::Lasting(format!("{} {why}", tier.name())))
}
