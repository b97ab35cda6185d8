//! An upstream that streams what it is told at the pace that it is told, and notices when its client leaves.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use futures_util::stream;
use serde_json::{Value, json};

use super::serve;

/// A running upstream that plays the same answer to every call.
pub(crate) struct Planted {
    /// Its base URL.
    pub(crate) url: String,
    calls: Arc<AtomicUsize>,
    left: Arc<AtomicUsize>,
}

/// What is sent, and the pause before it.
pub(crate) type Piece = (Duration, Bytes);

impl Planted {
    pub(crate) async fn start(pieces: Vec<Piece>) -> Self {
        let (calls, left) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, noticed, pieces) = (Arc::clone(&calls), Arc::clone(&left), Arc::new(pieces));
        let answer = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = Playing { pieces: Arc::clone(&pieces), next: 0, left: Arc::clone(&noticed) };
            async move { ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(answer.play())).into_response() }
        };
        let url = serve(Router::new().route("/v1/chat/completions", post(answer))).await + "/v1";
        Self { url, calls, left }
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Waits until a client has left before the end.
    pub(crate) async fn was_left(&self) -> bool {
        let start = Instant::now();
        while self.left.load(Ordering::SeqCst) == 0 && start.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.left.load(Ordering::SeqCst) > 0
    }
}

struct Playing {
    pieces: Arc<Vec<Piece>>,
    next: usize,
    left: Arc<AtomicUsize>,
}

impl Playing {
    fn play(self) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::unfold(self, |mut playing| async move {
            let (pause, bytes) = playing.pieces.get(playing.next)?.clone();
            tokio::time::sleep(pause).await;
            playing.next += 1;
            Some((Ok(bytes), playing))
        })
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        if self.next < self.pieces.len() {
            self.left.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// An event of one token; without a log-probability the upstream gives none.
pub(crate) fn token(text: &str, logprob: Option<f64>) -> String {
    let logprobs = logprob.map(|logprob| json!({"content": [{"token": text, "logprob": logprob, "top_logprobs": []}]}));
    event(json!([{"index": 0, "delta": {"content": text}, "logprobs": logprobs, "finish_reason": null}]), Value::Null)
}

/// The events of an end, with the tokens used.
pub(crate) fn ending(reason: &str, output_tokens: usize) -> String {
    let finish = event(json!([{"index": 0, "delta": {}, "finish_reason": reason}]), Value::Null);
    let usage = event(json!([]), json!({"prompt_tokens": 100, "completion_tokens": output_tokens}));
    finish + &usage + "data: [DONE]\n\n"
}

fn event(choices: Value, usage: Value) -> String {
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "planted", "choices": choices,
        "usage": usage});
    format!("data: {chunk}\n\n")
}

/// So many tokens of this log-probability, at once.
pub(crate) fn tokens(count: usize, logprob: Option<f64>) -> String {
    (0..count).map(|i| token(&format!("word{i} "), logprob)).collect()
}

/// At once.
pub(crate) fn now(bytes: impl Into<Bytes>) -> Piece {
    after(0, bytes)
}

/// After a pause in milliseconds.
pub(crate) fn after(pause: u64, bytes: impl Into<Bytes>) -> Piece {
    (Duration::from_millis(pause), bytes.into())
}

/// Nothing, for longer than any test waits.
pub(crate) fn silence() -> Piece {
    after(600_000, "")
}
