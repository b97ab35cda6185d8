//! `rungs alerts`: what was told to whom, and what is to be told once more.

mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{Span, Timestamp, Zoned};
use serde::Serialize;
use uuid::Uuid;

use super::log::LogArgs;
use super::output::OutputArgs;
use crate::alert::event::Drift;
use crate::alert::group::{Entry, Message};
use crate::alert::life::Alert;
use crate::alert::silence::Silence;
use crate::alert::table::{self, AlertFilter};
use crate::alert::webhook::queue::{self, Delivered};
use crate::alert::webhook::{Caller, Outcome};
use crate::alert::{Event, Signal, outbox};
use crate::cli::Failure;
use crate::config::{AlertsConfig, Config};
use crate::database::Database;

/// Arguments of `rungs alerts`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List alerts, newest first.
    List {
        #[command(flatten)]
        log: LogArgs,
        /// Only those with this status: pending, firing or resolved.
        #[arg(long)]
        status: Option<String>,
    },
    /// Tell every receiver, or one, of an alert that is none, and say how each answered.
    Test {
        /// The configuration that names the receivers.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Only this one.
        #[arg(long, value_name = "NAME")]
        receiver: Option<String>,
    },
    /// List deliveries, the newest first.
    Deliveries {
        #[command(flatten)]
        log: LogArgs,
        /// Only those in this state: pending, delivered or dead.
        #[arg(long)]
        state: Option<String>,
    },
    /// Try a delivery anew, or all that are dead; a receiver that was gone counts as there again.
    Redeliver {
        #[command(flatten)]
        log: LogArgs,
        /// The delivery (`msg_…`); without it all that are dead.
        id: Option<String>,
    },
    /// A receiver that said that it was gone (410) is told again.
    Enable {
        #[command(flatten)]
        log: LogArgs,
        /// Its name.
        receiver: String,
    },
    /// Somebody has seen to an alert: it is not repeated, and its monitor begins anew.
    Ack {
        #[command(flatten)]
        log: LogArgs,
        /// The alert's id.
        id: String,
        /// What they say.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Keep alerts with these labels quiet for a while.
    Silence {
        #[command(flatten)]
        log: LogArgs,
        /// How long: 2h, 1d.
        #[arg(long = "for", value_name = "TIME")]
        time: Span,
        /// Why.
        #[arg(long)]
        comment: Option<String>,
        /// Labels that an alert has to have, such as alertname=CostDrift route=triage.
        #[arg(required = true, value_name = "LABEL=VALUE", value_parser = label)]
        labels: Vec<(String, String)>,
    },
    /// List the silences that are not over.
    Silences {
        #[command(flatten)]
        log: LogArgs,
    },
    /// End a silence.
    Unsilence {
        #[command(flatten)]
        log: LogArgs,
        /// Its id.
        id: String,
    },
    /// Make a secret for a receiver. It is kept nowhere.
    NewSecret,
}

/// How a receiver answered.
#[derive(Debug, Serialize)]
struct Answered {
    receiver: String,
    delivered: bool,
    answer: String,
}

/// What a command that changes something has done.
#[derive(Debug, Serialize)]
struct Done {
    done: String,
}

/// Rows that a list shows at most.
const MOST: u32 = 200;

/// Does what is asked.
///
/// # Errors
/// When the log cannot be opened, read or written, what was named is not there, or a receiver was told and did not take it.
pub fn run(args: &Args) -> Result<(), Failure> {
    let output = &args.output;
    match &args.command {
        Command::List { log, status } => {
            let filter = AlertFilter { limit: MOST, before: None, status: status.clone() };
            let alerts: Vec<Alert> = on(log, |database| async move { Ok(table::list(&database, &filter).await?.0) })?;
            output.print(&alerts, |alerts| text::alerts(alerts))
        }
        Command::Test { config, receiver } => {
            let answers = test(&Config::load(Some(config))?, receiver.as_deref())?;
            output.print(&answers, |answers| text::answers(answers))?;
            let failed = answers.iter().find(|answer| !answer.delivered);
            failed.map_or(Ok(()), |answer| {
                Err(Failure::Failed(anyhow::anyhow!("{}: {}", answer.receiver, answer.answer)))
            })
        }
        Command::Deliveries { log, state } => {
            let state = state.clone();
            let list = |database| async move { Ok(queue::list(&database, state.as_deref(), MOST.into()).await?) };
            let deliveries: Vec<Delivered> = on(log, list)?;
            output.print(&deliveries, |deliveries| text::deliveries(deliveries))
        }
        Command::Silences { log } => {
            let list = |database| async move { Ok(table::silences(&database, Timestamp::now()).await?) };
            let silences: Vec<Silence> = on(log, list)?;
            output.print(&silences, |silences| text::silences(silences))
        }
        Command::NewSecret => {
            // 244 random bits of the system's own generator.
            let bytes = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
            println!("whsec_{}", BASE64_STANDARD.encode(bytes));
            Ok(())
        }
        other => output.print(&Done { done: change(other)? }, |done| format!("{}\n", done.done)),
    }
}

/// A command that changes one thing.
fn change(command: &Command) -> Result<String, Failure> {
    match command {
        Command::Redeliver { log, id } => {
            let (asked, of) = (id.clone(), id.clone());
            let again =
                |database| async move { Ok(queue::redeliver(&database, asked.as_deref(), Timestamp::now()).await?) };
            match (on(log, again)?, of) {
                (0, Some(id)) => Err(Failure::bad_input(format!("there is no delivery `{id}`"))),
                (n, _) => Ok(format!("{n} deliveries are tried anew by the running router")),
            }
        }
        Command::Enable { log, receiver } => {
            let name = receiver.clone();
            let was_gone = on(log, |database| async move { Ok(queue::enable(&database, &name).await?) })?;
            if was_gone {
                Ok(format!("{receiver} is told again"))
            } else {
                Err(unknown("receiver that is gone", receiver))
            }
        }
        Command::Ack { log, id, comment } => {
            let signal = Signal::Acknowledge { alert: id.clone(), comment: comment.clone() };
            let alert = id.clone();
            let acknowledge = |database: Database| async move {
                if table::get(&database, &alert).await?.is_none() {
                    return Ok(false);
                }
                database.execute(outbox::insert(&signal)?).await?;
                Ok(true)
            };
            if on(log, acknowledge)? { Ok(format!("{id} is acknowledged")) } else { Err(unknown("alert", id)) }
        }
        Command::Silence { log, time, comment, labels } => {
            let ends_at = Zoned::now().checked_add(*time).ok().filter(|_| time.is_positive());
            let ends_at = ends_at.ok_or_else(|| Failure::bad_input("--for: must be like 2h or 1d"))?.timestamp();
            let labels: BTreeMap<String, String> = labels.iter().cloned().collect();
            let silence = Silence { id: Uuid::now_v7().to_string(), labels, ends_at, comment: comment.clone() };
            let said = format!("{}: quiet until {ends_at:.0}", silence.id);
            on(log, |database| async move { Ok(table::silence(&database, &silence).await?) })?;
            Ok(said)
        }
        Command::Unsilence { log, id } => {
            let of = id.clone();
            let was = on(log, |database| async move { Ok(table::end_silence(&database, &of).await?) })?;
            if was { Ok(format!("{id} is over")) } else { Err(unknown("silence", id)) }
        }
        Command::List { .. }
        | Command::Test { .. }
        | Command::Deliveries { .. }
        | Command::Silences { .. }
        | Command::NewSecret => Ok(String::new()),
    }
}

/// Does something with the log's database.
fn on<T, F>(log: &LogArgs, act: impl FnOnce(Database) -> F) -> Result<T, Failure>
where
    F: Future<Output = anyhow::Result<T>>,
{
    log.read(|_, store| async move { act(store.database().context("the log has no database")?).await })
}

fn test(config: &Config, only: Option<&str>) -> Result<Vec<Answered>, Failure> {
    let AlertsConfig { receivers, .. } = &config.alerts;
    let wanted: Vec<_> = receivers.iter().filter(|receiver| only.is_none_or(|name| receiver.name == name)).collect();
    if wanted.is_empty() {
        return Err(only.map_or_else(
            || Failure::bad_input("the configuration has no alerts.receivers"),
            |name| unknown("receiver", name),
        ));
    }
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let mut answers = Vec::new();
    for receiver in wanted {
        let caller = Caller::new(receiver, &config.alerts).map_err(Failure::bad_input)?;
        let id = format!("msg_test_{}", Uuid::now_v7().simple());
        let outcome = runtime.block_on(caller.call(&id, &message(config)));
        let (delivered, answer) = match outcome {
            Outcome::Delivered(status) => (true, format!("answered with status {status}")),
            Outcome::Gone => (false, "answered with status 410: it is gone".to_owned()),
            Outcome::Failed { error, .. } => (false, error),
        };
        answers.push(Answered { receiver: receiver.name.clone(), delivered, answer });
    }
    Ok(answers)
}

/// An alert that is none, and says so.
fn message(config: &Config) -> Message {
    let drift =
        Drift { figure: "TEST: judged failures".to_owned(), from: 0.1, to: 0.2, samples: 250, ..Drift::default() };
    let now = Timestamp::now();
    let event = Event::QualityDrift(Drift { interval: Some([0.15, 0.26]), since: now, ..drift });
    let mut entry = Entry::of(&Alert::firing(event, now));
    entry.labels.insert("test".to_owned(), "true".to_owned());
    let group = [("alertname".to_owned(), "QualityDrift".to_owned())].into();
    Message {
        group,
        alerts: vec![entry],
        truncated: 0,
        public_url: config.alerts.public_url.clone().unwrap_or_default(),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "must be like route=triage".to_owned())
}

fn unknown(what: &str, name: &str) -> Failure {
    Failure::bad_input(format!("there is no {what} `{name}`"))
}
