//! A receiver of webhooks that answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A secret that test receivers know.
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// What a receiver was told.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) is_signed: bool,
    pub(crate) at: Instant,
}

/// A receiver; it stops when it is dropped.
pub(crate) struct Hook {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

struct Inner {
    calls: Mutex<Vec<Call>>,
    /// The answers to the next calls; 200 when there are none left.
    answers: Mutex<Vec<(u16, Option<&'static str>)>>,
}

impl Hook {
    /// Answers so (status, and `retry-after` or `location`), then with 200.
    pub(crate) async fn start(answers: &[(u16, Option<&'static str>)]) -> Self {
        Self::at(([127, 0, 0, 1], 0).into(), answers).await
    }

    pub(crate) async fn at(address: SocketAddr, answers: &[(u16, Option<&'static str>)]) -> Self {
        let answers = answers.iter().rev().copied().collect();
        let inner = Arc::new(Inner { calls: Mutex::default(), answers: Mutex::new(answers) });
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/hook", post(take)).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, inner, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What it was told so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.inner.calls.lock().unwrap().clone()
    }

    /// What it was told, as soon as that is so many.
    pub(crate) async fn told(&self, calls: usize) -> Vec<Call> {
        let start = Instant::now();
        while self.calls().len() < calls {
            assert!(start.elapsed() < Duration::from_secs(90), "only {} of {calls} calls came", self.calls().len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.calls()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let verified = standardwebhooks::Webhook::new(SECRET).unwrap().verify(&body, &headers);
    let body = serde_json::from_slice(&body).unwrap();
    let call = Call { headers, body, is_signed: verified.is_ok(), at: Instant::now() };
    inner.calls.lock().unwrap().push(call);
    let (status, header) = inner.answers.lock().unwrap().pop().unwrap_or((200, None));
    let status = StatusCode::from_u16(status).unwrap();
    let name = if status.is_redirection() { "location" } else { "retry-after" };
    match header {
        Some(value) => (status, [(name, value)]).into_response(),
        None => status.into_response(),
    }
}
