//! `POST /v1/chat/completions`: OpenAI's dialect.

pub(super) mod dress;
mod events;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::admit::Admitted;
use super::auth::Caller;
use super::body;
use super::decide::Decision;
use super::error::ApiError;
use super::headers::{self, Context};
use super::losses::Losses;
use super::state::App;
use super::voice::Voice;
use crate::cascade::{Job, Ledger};
use crate::chat::{ChatRequest, Usage};
use crate::config::Content;
use crate::decisions::{DecisionRecord, Outcome};

/// Routes, calls, checks and answers.
pub(super) async fn completions(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, ApiError> {
    let arrival = Arrival::read(&app, request).await?;
    let chat = ChatRequest::parse(&arrival.body)?;
    serve(&app, arrival, chat).await
}

/// A request as it came.
pub(super) struct Arrival {
    arrived: Instant,
    at: Timestamp,
    caller: Option<Caller>,
    pub(super) head: HeaderMap,
    pub(super) body: Bytes,
}

impl Arrival {
    pub(super) async fn read(app: &App, request: Request<Body>) -> Result<Self, ApiError> {
        let (arrived, at) = (Instant::now(), Timestamp::now());
        let caller = request.extensions().get::<Caller>().cloned();
        let head = request.headers().clone();
        let body = body::read(request, app.config.server.max_body_bytes).await?;
        Ok(Self { arrived, at, caller, head, body })
    }
}

/// Answers a request of any dialect in that dialect.
pub(super) async fn serve(app: &App, arrival: Arrival, request: ChatRequest) -> Result<Response, ApiError> {
    let Arrival { arrived, at, caller, head, body } = arrival;
    let request = Arc::new(request);
    let context = Context::read(&head, &request).of(caller.as_ref())?.in_conversation(&head, &request);
    let id = Uuid::now_v7().to_string();
    let app = app.deciding(&id);
    if let Some(Caller(client)) = &caller {
        client.rates.take_tokens(&request).await?;
    }
    let Admitted { decision, hold, expected, budget } = app.admit(&request, body.len(), &context, &id, at).await?;
    let difficulty = decision.difficulty();
    let content = app.content(&context);
    let certified = app.certificate_of(&decision, &context).map(|standing| standing.holds);
    let record = DecisionRecord {
        at,
        budget,
        decide_ms: arrived.elapsed().as_secs_f64() * 1e3,
        ..app.record(id, &request, &body, context, &decision)
    };
    let job = Job {
        request: headers::without_ours(Arc::unwrap_or_clone(request)),
        plan: decision.plan,
        caps: decision.caps,
        prospect: decision.prospect,
        ledger: Ledger::new(record, arrived).holding(hold, expected).storing(content),
        deadline: arrived + Duration::from_secs_f64(app.config.server.request_timeout_s),
    };
    let mut response = answer(app, job, difficulty).await?;
    headers::certify(certified, response.headers_mut());
    Ok(response)
}

async fn answer(app: &App, job: Job, difficulty: Option<f64>) -> Result<Response, ApiError> {
    let (voice, losses) = (Voice::of(&job.request), Losses::of(&job.request));
    if job.request.stream() {
        return stream(app, job, difficulty, voice, &losses).await;
    }
    let reply = app.engine.answer(job).await?;
    let mut headers = headers::answer(&reply.facts, difficulty, app.scoring.version(), true);
    losses.tell(app, &reply.facts.tier, &mut headers);
    let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((headers, kind, voice.whole(reply.completion, &reply.facts)).into_response())
}

/// A streamed answer. One that takes its time begins with comments; its head then cannot tell who will answer, nor its
/// status that nobody did.
async fn stream(
    app: &App,
    job: Job,
    difficulty: Option<f64>,
    voice: Voice,
    losses: &Losses,
) -> Result<Response, ApiError> {
    let keep_alive = Duration::from_secs_f64(app.config.cascade.stream.keep_alive_s);
    let (engine, id) = (Arc::clone(&app.engine), job.ledger.id().to_owned());
    let mut pending: events::Pending = Box::pin(async move { engine.stream(job).await });
    let (headers, source) = match timeout(keep_alive, &mut pending).await {
        Ok(reply) => {
            let reply = reply?;
            let mut headers = headers::answer(&reply.facts, difficulty, app.scoring.version(), false);
            losses.tell(app, &reply.facts.tier, &mut headers);
            (headers, events::Source::open(reply, voice))
        }
        Err(_) => (headers::pending(&id, difficulty, app.scoring.version()), events::Source::Pending(pending, voice)),
    };
    let kind = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, kind, Body::from_stream(events::body(source, keep_alive))).into_response())
}

impl App {
    /// How much of a request and its answer is stored: what the route says, else the log; nothing where the client says so.
    fn content(&self, context: &Context) -> Content {
        let route = self.config.route(context.route.as_deref()).and_then(|route| route.content);
        if context.no_content { Content::None } else { route.unwrap_or(self.config.log.content) }
    }

    /// The record as far as it is known before the first call.
    fn record(
        &self,
        id: String,
        request: &ChatRequest,
        body: &Bytes,
        context: Context,
        decision: &Decision,
    ) -> DecisionRecord {
        let keeps_content = self.content(&context) != Content::None;
        DecisionRecord {
            id,
            at: Timestamp::now(),
            route: context.route,
            task: context.task,
            tenant: context.tenant,
            conversation: context.conversation,
            key: context.key,
            metadata: context.metadata,
            trace: context.trace,
            requested_model: request.model(),
            cause: decision.plan.cause,
            model_version: (!decision.p.is_empty()).then(|| self.scoring.version().to_owned()),
            p: decision.p.clone(),
            score: decision.score,
            threshold: decision.threshold,
            novelty: decision.novelty,
            rungs: decision.plan.rungs.clone(),
            propensity: decision.plan.propensity,
            observed: decision.observed.clone(),
            outcome: Outcome::Cancelled,
            tier: None,
            model: None,
            escalations: 0,
            streamed: request.stream(),
            stand_in: false,
            usage: Usage::default(),
            cost_usd: None,
            frontier_usd: None,
            cache_saved_usd: None,
            latency_ms: 0.0,
            ttft_ms: None,
            ttft_uncascaded_ms: None,
            decide_ms: 0.0,
            budget: None,
            content_sha256: None,
            redaction_error: None,
            cap: None,
            fell_back: false,
            sampling: None,
            error: None,
            config: self.fingerprint.clone(),
            receipt: None,
            request: keeps_content.then(|| kept(request, body)).flatten(),
            answer: None,
            attempts: Vec::new(),
        }
    }
}

/// The request as the log keeps it: all in one dialect, for those who read it.
fn kept(request: &ChatRequest, body: &Bytes) -> Option<serde_json::Value> {
    if request.is_translated() {
        serde_json::from_slice(&request.to_body()).ok()
    } else {
        serde_json::from_slice(body).ok()
    }
}
