//! Helpers that several areas share.

pub(crate) mod command;
pub(crate) mod hook;
pub(crate) mod hostile;
#[cfg(feature = "train")]
pub(crate) mod labelled;
pub(crate) mod model;
pub(crate) mod planted;
pub(crate) mod postgres;
pub(crate) mod record;
pub(crate) mod router;
pub(crate) mod serving;
pub(crate) mod store;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

/// Serves on a free port of this machine until the test ends; gives the address, such as `http://127.0.0.1:4711`.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// An HTTP client.
pub(crate) fn client() -> reqwest::Client {
    // Only the first provider of a process is kept; a second one is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
