//! What ends a command that serves.

/// Returns at SIGINT or SIGTERM.
#[cfg(unix)]
pub(super) async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            () = interrupted() => {}
        },
        Err(_) => interrupted().await,
    }
}

/// Returns at an interrupt.
#[cfg(not(unix))]
pub(super) async fn signalled() {
    interrupted().await;
}

async fn interrupted() {
    // Where no handler can be set, the signal ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
