//! `rungs serve`: the endpoint.

mod words;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::judging;
use super::ready;
use super::signals::{HangUps, signalled};
use super::workers;
use crate::cli::Failure;
use crate::config::Config;
use crate::decisions::{self, DecisionStore, lag, upkeep};
use crate::difficulty::Scorer;
use crate::http::{App, Current, Reload};
use crate::leader::Leader;
use crate::policy::Scoring;
use crate::registry::follow::follow;
use crate::registry::{Registry, State};
#[cfg(feature = "train")]
use crate::retrain;
use crate::upstream::Tier;

/// Arguments of `rungs serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration; without one, two stand-ins answer from recorded samples.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on, in place of the configuration's.
    #[arg(long, value_name = "ADDR")]
    bind: Option<SocketAddr>,
}

/// How long records of requests that were broken off may take to be kept at the end.
const LAST_RECORDS: Duration = Duration::from_secs(2);

/// Serves until SIGINT or SIGTERM, then lets open requests end.
///
/// # Errors
/// When the configuration, a key or the artifact is refused, the log cannot be opened or the address not be listened on.
pub fn run(args: &Args) -> Result<(), Failure> {
    let config = configured(args)?;
    words::log_to_stderr(config.telemetry.log_format);
    let tiers = ready::tiers(&config)?;
    ready::receivers(&config)?;
    let scorer = Scorer::open(&config).map_err(Failure::bad_input)?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    runtime.block_on(serve(args, config, tiers, scorer)).map_err(Failure::from)
}

fn configured(args: &Args) -> Result<Config, Failure> {
    let mut config = Config::load(args.config.as_deref())?;
    if let Some(bind) = args.bind {
        config.server.bind = bind;
    }
    config.auth.check_bind(config.server.bind.ip()).map_err(Failure::bad_input)?;
    Ok(config)
}

async fn serve(args: &Args, config: Config, tiers: Vec<Tier>, configured: Scorer) -> anyhow::Result<()> {
    let bind = config.server.bind;
    let drain = Duration::from_secs_f64(config.server.drain_s);
    let store = decisions::open(&config.log, &config.data_dir()).await?;
    let registry = store.database().map(|database| Registry::open(database, &config.data_dir()));
    let scoring: Arc<dyn Scoring> = Arc::new(championed(registry.as_ref(), &config, configured).await);
    // Before anybody can know of the process: a hang-up that nobody listens for ends it.
    let hang_ups = HangUps::listen();
    let listener = TcpListener::bind(bind).await.with_context(|| format!("cannot listen on {bind}"))?;
    words::announce(&config, &tiers, scoring.as_ref(), listener.local_addr()?);
    // Without it a small piece of a stream waits for the one before to be acknowledged.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let app = recalled(App::new(config, tiers, scoring, Arc::clone(&store))).await;
    let (current, reloads) = Current::new(app);
    let stop = CancellationToken::new();
    let leader = Leader::elect(store.database().as_ref(), stop.clone());
    tokio::spawn(upkeep::work(Arc::clone(&store), leader.clone(), stop.clone()));
    let telling = current.clone();
    tokio::spawn(lag::work(Arc::clone(&store), move || telling.app().alerts().clone(), stop.clone()));
    workers::start(&store, &current, &leader, &stop);
    let judging = tokio::spawn(judging::judge(current.clone(), stop.clone()));
    #[cfg(feature = "train")]
    tokio::spawn(retrain::worker::work(
        Arc::clone(&store),
        current.clone(),
        current.retrains(),
        (leader, retrain::worker::LOOK),
        stop.clone(),
    ));
    if let Some(registry) = registry {
        tokio::spawn(follow(registry, current.clone(), stop.clone()));
    }
    let server = axum::serve(listener, current.router()).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        ended = server.into_future() => ended?,
        never = reload_when_asked(args, &current, (hang_ups, reloads), &store) => match never {},
        () = stopped(&stop, drain) => tracing::warn!("requests were still open after server.drain_s and are broken off"),
    }
    stop.cancel();
    drop(judging.await);
    if timeout(LAST_RECORDS, current.drained()).await.is_err() {
        tracing::error!("some decision records could not be kept before the end");
    }
    current.app().close_traces().await;
    Ok(store.close().await?)
}

/// The champion of the registry; the configuration's model where nothing was promoted, or the champion cannot serve.
async fn championed(registry: Option<&Registry>, config: &Config, configured: Scorer) -> Scorer {
    let Some(registry) = registry else { return configured };
    let champion = match registry.in_state(State::Champion).await {
        Ok(Some(version)) => registry.load(&version).await.map(Some),
        other => other.map(|_| None).map_err(Into::into),
    };
    match champion
        .map_err(anyhow::Error::from)
        .and_then(|champion| Ok(champion.map(|c| Scorer::of(c, config)).transpose()?))
    {
        Ok(Some(champion)) => champion,
        Ok(None) => configured,
        Err(error) => {
            tracing::error!(%error, "THE CHAMPION CANNOT SERVE: the configuration's model does");
            configured
        }
    }
}

/// Counts what the log tells, and says how the certificate stands.
async fn recalled(app: Arc<App>) -> Arc<App> {
    if let Err(error) = app.recall().await {
        tracing::warn!(%error, "earlier requests are not counted");
    }
    if let Some(standing) = app.certificate(app.config().policy.threshold) {
        words::certificate(&standing);
    }
    app
}

/// Reads the configuration again at each hang-up and where an operator asks. One that cannot be used changes nothing.
async fn reload_when_asked(
    args: &Args,
    current: &Current,
    (mut hang_ups, mut reloads): (HangUps, mpsc::Receiver<Reload>),
    store: &Arc<dyn DecisionStore>,
) -> Infallible {
    loop {
        let asked = tokio::select! {
            () = hang_ups.next() => None,
            Some(asked) = reloads.recv() => Some(asked),
        };
        let result = reload(args, current, store).await.map_err(|error| error.to_string());
        match &result {
            Ok(fingerprint) => tracing::info!(fingerprint, "the configuration was read again and is in force"),
            Err(error) => tracing::error!(error, "the configuration was read again and is refused; the old one stays"),
        }
        // Who asked may have gone by now.
        asked.into_iter().for_each(|asked| drop(asked.send(result.clone())));
    }
}

async fn reload(args: &Args, current: &Current, store: &Arc<dyn DecisionStore>) -> Result<String, Failure> {
    let config = configured(args)?;
    let old = current.app();
    for (section, same) in [
        ("server.bind", config.server.bind == old.config().server.bind),
        ("log", format!("{:?}", config.log) == format!("{:?}", old.config().log)),
        ("data_dir", config.data_dir == old.config().data_dir),
    ] {
        if !same {
            tracing::warn!("{section} has changed: that takes a restart");
        }
    }
    let tiers = ready::tiers(&config)?;
    ready::receivers(&config)?;
    let fingerprint = config.fingerprint();
    // An artifact takes a while to read.
    let read = tokio::task::spawn_blocking(move || Scorer::open(&config).map(|scorer| (config, scorer)));
    let read = read.await.context("reading the artifact")?;
    let (config, scorer) = read.map_err(Failure::bad_input)?;
    let registry = store.database().map(|database| Registry::open(database, &config.data_dir()));
    let scorer = championed(registry.as_ref(), &config, scorer).await;
    let app = recalled(App::new(config, tiers, Arc::new(scorer), Arc::clone(store))).await;
    app.alarms().take_over(old.alarms());
    current.replace(app);
    Ok(fingerprint)
}

/// Tells the server to stop at the first signal, then waits as long as open requests may take.
async fn stopped(stop: &CancellationToken, drain: Duration) {
    signalled().await;
    tracing::info!(drain_s = drain.as_secs_f64(), "stopping: open requests may end");
    stop.cancel();
    tokio::time::sleep(drain).await;
}
