//! Puts an answer to the judge, and reads what it says.

use super::bench::Bench;
use super::call::{Ask, Called, Failure, forget, shortened};
use super::hash::{Salt, uniform};
use super::jobs::Job;
use super::plain::plain;
use super::prompt::{Prompt, Said, Use, Words};
use super::suspicion;
use super::verdict::{Order, Preference};
use crate::chat::{ChatRequest, Role};
use crate::policy::Capability;
use crate::upstream::Tier;

/// Characters of a conversation that the judge sees, half of them of its beginning and half of its end.
const LONGEST: usize = 48_000;

/// What there is to judge, as the judge sees it.
#[derive(Debug)]
pub(super) struct Matter<'a> {
    pub(super) request: &'a ChatRequest,
    /// The judged answer.
    pub(super) answer: &'a str,
    /// The models that gave the answers.
    pub(super) arms: &'a [&'a str],
}

/// What the judge made of it.
#[derive(Debug)]
pub(super) struct Opinion {
    pub(super) preference: Preference,
    /// Of a comparison, in which order it saw the answers.
    pub(super) order: Option<Order>,
    pub(super) lengths: Option<[u64; 2]>,
    pub(super) judge: String,
    pub(super) reason: String,
    pub(super) cost_usd: Option<f64>,
}

impl Bench {
    /// Has the judge find an answer acceptable (a win) or not (a loss); `None` while that waits for a batch.
    pub(super) async fn grade(
        &self,
        job: &Job,
        prompt: &Prompt,
        matter: Matter<'_>,
    ) -> Result<Option<Opinion>, Failure> {
        const NAME: &str = "rubric";
        let (judge, words) = (self.judge()?, self.words(job, NAME));
        let asked = prompt.ask(&words, &conversation(matter.request), [&plain(matter.answer), ""]);
        let ask = self.question(judge, asked, &words, Use::Rubric, NAME);
        let called = self.call(job, vec![ask]).await?.and_then(|mut called| called.pop());
        let Some(called) = called else { return Ok(None) };
        let said = self.read(job, &matter, &called, NAME).await?;
        let preference = match &said.verdict {
            word if *word == words.first => Preference::Win,
            word if *word == words.second => Preference::Loss,
            _ => return self.nonsense(job, NAME, NOT_OFFERED).await,
        };
        Ok(Some(opinion(preference, None, None, called, &said)))
    }

    /// Has the judge compare an answer with another one, in one order or in both; `None` while that waits for a batch.
    pub(super) async fn compare(
        &self,
        job: &Job,
        prompt: &Prompt,
        matter: Matter<'_>,
        other: &str,
    ) -> Result<Option<Vec<Opinion>>, Failure> {
        let judge = self.judge()?;
        let (own, other) = (plain(matter.answer), plain(other));
        let suspicious = [&own, &other].into_iter().any(|text| suspicion::addresses_the_judge(text));
        let orders = self.orders(job, suspicious).await?;
        let request = conversation(matter.request);
        let asks = orders.iter().map(|order| {
            let words = self.words(job, order.name());
            let answers: [&str; 2] = if *order == Order::First { [&own, &other] } else { [&other, &own] };
            self.question(judge, prompt.ask(&words, &request, answers), &words, Use::Pairwise, order.name())
        });
        let Some(called) = self.call(job, asks.collect()).await? else { return Ok(None) };
        let lengths = Some([&own, &other].map(|text| text.chars().count() as u64));
        let mut found = Vec::new();
        for (order, called) in orders.iter().zip(called) {
            let said = self.read(job, &matter, &called, order.name()).await?;
            let Some(preference) = preference(&said, &self.words(job, order.name()), *order) else {
                return self.nonsense(job, order.name(), NOT_OFFERED).await;
            };
            found.push(opinion(preference, Some(*order), lengths, called, &said));
        }
        self.trusted(job, found, suspicious).await.map(Some)
    }

    /// Verdicts on an answer that addresses its judge have to agree in both orders.
    async fn trusted(&self, job: &Job, found: Vec<Opinion>, suspicious: bool) -> Result<Vec<Opinion>, Failure> {
        let agree = found.iter().all(|opinion| Some(opinion.preference) == found.first().map(|first| first.preference));
        if !suspicious || agree {
            return Ok(found);
        }
        self.forget(job, &[Order::First.name(), Order::Last.name()]).await?;
        Err(Failure::Passing("an answer addresses its judge, and the verdict changes with the order".to_owned(), None))
    }

    /// In which orders the judge sees the answers: one that a hash chooses, or both.
    async fn orders(&self, job: &Job, suspicious: bool) -> Result<Vec<Order>, Failure> {
        let chance = |salt| uniform(&self.config.seed, salt, &job.id);
        let first = if chance(Salt::Order) < 0.5 { Order::First } else { Order::Last };
        let both = suspicious || chance(Salt::Both) < self.config.both_orders || self.flips.too_many().await?;
        Ok(if both { vec![first, first.reversed()] } else { vec![first] })
    }

    fn question<'a>(&self, judge: &'a Tier, asked: ChatRequest, words: &Words, usage: Use, name: &str) -> Ask<'a> {
        let keeps_to_schema = !judge.config.lacks.contains(&Capability::JsonSchema);
        let asked = if keeps_to_schema { asked.with("response_format", &words.response_format(usage)) } else { asked };
        Ask { name: name.to_owned(), tier: judge, request: asked, batched: self.config.batch }
    }

    fn words(&self, job: &Job, name: &str) -> Words {
        Words::of(&self.config.seed, &format!("{}/{name}", job.id))
    }

    fn judge(&self) -> Result<&Tier, Failure> {
        self.judge.as_ref().ok_or_else(|| Failure::Lasting("there is no judge.tier".to_owned()))
    }

    /// What a judge said, where it judged at all and gave none of the answers itself.
    async fn read(&self, job: &Job, matter: &Matter<'_>, called: &Called, name: &str) -> Result<Said, Failure> {
        if !self.config.allow_arm && matter.arms.contains(&called.model.as_str()) {
            return Err(Failure::Lasting(format!("the judge is {}, which gave one of the answers", called.model)));
        }
        match &called.said {
            Ok(text) => match Said::parse(text) {
                Some(said) => Ok(said),
                None => self.nonsense(job, name, "gave no verdict in the form that was asked for").await,
            },
            Err(why) => self.nonsense(job, name, why).await,
        }
    }

    async fn nonsense<T>(&self, job: &Job, name: &str, what: &str) -> Result<T, Failure> {
        self.forget(job, &[name]).await?;
        Err(Failure::Passing(format!("the judge {what}"), None))
    }

    /// What came of these calls does not count: they are made anew with the next try.
    async fn forget(&self, job: &Job, names: &[&str]) -> Result<(), Failure> {
        self.database.transaction(names.iter().map(|name| forget(job, name)).collect()).await?;
        Ok(())
    }
}

const NOT_OFFERED: &str = "gave a verdict that it was not offered";

fn preference(said: &Said, words: &Words, order: Order) -> Option<Preference> {
    let first = order == Order::First;
    match &said.verdict {
        word if *word == words.tie => Some(Preference::Tie),
        word if *word == words.first => Some(if first { Preference::Win } else { Preference::Loss }),
        word if *word == words.second => Some(if first { Preference::Loss } else { Preference::Win }),
        _ => None,
    }
}

fn opinion(
    preference: Preference,
    order: Option<Order>,
    lengths: Option<[u64; 2]>,
    called: Called,
    said: &Said,
) -> Opinion {
    let (judge, cost_usd, reason) = (called.model, called.cost_usd, shortened(&said.reason));
    Opinion { preference, order, lengths, judge, reason, cost_usd }
}

/// A conversation as the judge reads it.
fn conversation(request: &ChatRequest) -> String {
    let messages = request.messages();
    if let [only] = messages
        && only.attachments == 0
    {
        return clipped(&only.text);
    }
    let spoken = messages.iter().map(|message| {
        let who = match message.role {
            Role::System => "instructions",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "result of a tool",
        };
        let hidden = match message.attachments {
            0 => String::new(),
            n => format!("\n({n} attachments that are not shown)"),
        };
        format!("[{who}]\n{}{hidden}", message.text)
    });
    clipped(&spoken.collect::<Vec<_>>().join("\n\n"))
}

fn clipped(text: &str) -> String {
    let count = text.chars().count();
    if count <= LONGEST {
        return text.to_owned();
    }
    let part = |from: usize, n: usize| text.chars().skip(from).take(n).collect::<String>();
    format!("{}\n[…]\n{}", part(0, LONGEST / 2), part(count - LONGEST / 2, LONGEST / 2))
}
