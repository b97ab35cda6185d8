//! Judges beside the endpoint, by the configuration in force.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::http::{App, Current};
use crate::judge::Worker;

/// From one look at the configuration in force to the next.
const BEAT: Duration = Duration::from_secs(1);

/// Works on what is to be judged until `stop`; a configuration that replaces another is followed.
pub(super) async fn judge(current: Current, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let app = current.app();
        let ended = stop.child_token();
        tokio::select! {
            () = work(&app, &ended) => {}
            () = replaced(&current, &app) => {}
            () = stop.cancelled() => {}
        }
        ended.cancel();
    }
}

async fn work(app: &App, ended: &CancellationToken) {
    let workers = app.config().judge.workers;
    match app.bench() {
        Ok(Some(bench)) if workers > 0 => return Worker::new(Arc::new(bench)).run(workers, ended).await,
        Ok(_) => {}
        Err(error) => tracing::error!(error, "nothing is judged"),
    }
    ended.cancelled().await;
}

async fn replaced(current: &Current, app: &Arc<App>) {
    while Arc::ptr_eq(app, &current.app()) {
        sleep(BEAT).await;
    }
}
