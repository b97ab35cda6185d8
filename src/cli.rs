//! The command line: what can be asked, and how a command ends.

use clap::{Parser, Subcommand};

#[cfg(feature = "fastembed")]
use crate::commands::distill;
#[cfg(feature = "train")]
use crate::commands::{ablate, bootstrap, calibrate, cascade_eval, demo, eval, retrain, train};
use crate::commands::{
    alerts, check_config, drift, export, init, judge, launch, models, new_key, openapi, replay, report, score, serve,
    verify,
};

/// A learned difficulty router and cascade engine for LLM traffic.
#[derive(Debug, Parser)]
#[command(name = "rungs", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands, one file each under `src/commands`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first configuration from the provider keys and local servers that are at hand.
    Init(init::Args),
    /// Try a configuration file without serving.
    CheckConfig(check_config::Args),
    /// Run the whole loop on this machine, against replayed tiers.
    #[cfg(feature = "train")]
    Demo(demo::Args),
    /// Fit an artifact to labelled queries.
    #[cfg(feature = "train")]
    Train(train::Args),
    /// Score artifacts on labelled queries, one alone or several side by side.
    #[cfg(feature = "train")]
    Eval(eval::Args),
    /// Refit without each feature family and learner, and with it alone: what each is worth.
    #[cfg(feature = "train")]
    Ablate(ablate::Args),
    /// Set an artifact's operating point, with a certificate where a promise is asked for.
    #[cfg(feature = "train")]
    Calibrate(calibrate::Args),
    /// Replay recorded answers through router and cascade: what each would cost, and how good it would be.
    #[cfg(feature = "train")]
    CascadeEval(cascade_eval::Args),
    /// Print a line of JSON per query: probabilities, score and tier.
    Score(score::Args),
    /// Make the token table of the static embedder from the full encoder.
    #[cfg(feature = "fastembed")]
    Distill(distill::Args),
    /// Answer from recorded outcomes, as an OpenAI-compatible upstream.
    Replay(replay::Args),
    /// Print what the endpoints take and give, as OpenAPI.
    Openapi,
    /// Start a client that is pointed at the running router.
    Launch(launch::Args),
    /// Make a key for a client, and what the configuration has to say of it.
    NewKey(new_key::Args),
    /// Route, call, check and answer: the endpoint.
    Serve(serve::Args),
    /// Put a sample of your own prompts to every tier, have the answers judged, and fit the first own model.
    #[cfg(feature = "train")]
    Bootstrap(bootstrap::Args),
    /// Learn from the decision log, and replace the champion if the gate lets the challenger pass.
    #[cfg(feature = "train")]
    Retrain(retrain::Args),
    /// The registry of models: list, show, promote, rollback, add.
    Models(models::Args),
    /// Sum up the decision log: spend, savings, quality, escalations, times, by route, tenant, tier and model version.
    Report(report::Args),
    /// Judge a sample of what was answered, and say how good it is.
    Judge(judge::Args),
    /// Write the decision log to a file.
    Export(export::Args),
    /// Hold exported decisions against their hash chain.
    Verify(verify::Args),
    /// Run the drift monitors over recorded or simulated answers: detection delay and false alarms.
    Drift(drift::Args),
    /// List alerts and deliveries, try receivers, acknowledge and silence.
    Alerts(alerts::Args),
}

/// Why a command did not do what was asked; each kind has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something failed on the way: exit code 1.
    #[error("{0:#}")]
    Failed(anyhow::Error),
    /// The usage or the input was at fault: exit code 2.
    #[error("{0:#}")]
    BadInput(anyhow::Error),
    /// A gate or a certificate was refused: exit code 3.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// Bad usage or bad input, in words for the person who gave it.
    pub fn bad_input(message: impl std::fmt::Display) -> Self {
        Self::BadInput(anyhow::anyhow!("{message}"))
    }

    /// The process exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::BadInput(_) => 2,
            Self::Refused(_) => 3,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::BadInput(error.into())
    }
}

/// Runs one command to its end.
///
/// # Errors
/// What the command says went wrong.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Init(args) => init::run(&args),
        Command::CheckConfig(args) => check_config::run(&args),
        #[cfg(feature = "train")]
        Command::Demo(args) => demo::run(&args),
        #[cfg(feature = "train")]
        Command::Train(args) => train::run(&args),
        #[cfg(feature = "train")]
        Command::Eval(args) => eval::run(&args),
        #[cfg(feature = "train")]
        Command::Ablate(args) => ablate::run(&args),
        #[cfg(feature = "train")]
        Command::Calibrate(args) => calibrate::run(&args),
        #[cfg(feature = "train")]
        Command::CascadeEval(args) => cascade_eval::run(&args),
        Command::Score(args) => score::run(&args),
        #[cfg(feature = "fastembed")]
        Command::Distill(args) => distill::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Openapi => openapi::run(),
        Command::Launch(args) => launch::run(&args),
        Command::NewKey(args) => new_key::run(&args),
        Command::Serve(args) => serve::run(&args),
        #[cfg(feature = "train")]
        Command::Bootstrap(args) => bootstrap::run(&args),
        #[cfg(feature = "train")]
        Command::Retrain(args) => retrain::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Drift(args) => drift::run(&args),
        Command::Alerts(args) => alerts::run(&args),
    }
}
