use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;

use tokio::time::Instant;

use super::*;
use crate::upstream::Chunk;

/// Fails as scripted, then answers with its name.
struct Scripted {
    name: &'static str,
    /// What it takes it to answer or fail.
    takes: Duration,
    script: Mutex<VecDeque<UpstreamError>>,
}

impl Scripted {
    fn next(&self) -> Result<(), UpstreamError> {
        self.script.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Upstream for Scripted {
    async fn complete(&self, _: &ChatRequest) -> Result<Completion, UpstreamError> {
        sleep(self.takes).await;
        self.next()?;
        Completion::parse(Bytes::from(format!(r#"{{"choices":[{{"message":{{"content":"{}"}}}}]}}"#, self.name)))
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChunkStream, UpstreamError> {
        let role = Chunk::parse(r#"{"choices":[{"delta":{"role":"assistant"}}]}"#.to_owned());
        let text = Chunk::parse(format!(r#"{{"choices":[{{"delta":{{"content":"{}"}}}}]}}"#, self.name));
        Ok(stream::iter([role, self.next().and(text)]).boxed())
    }
}

const RETRY: RetryPolicy =
    RetryPolicy { rounds: 2, pause: Duration::from_millis(100), max_pause: Duration::from_secs(5) };

const BREAKER: BreakerPolicy =
    BreakerPolicy { failures: 3, pause: Duration::from_secs(10), max_pause: Duration::from_secs(60) };

fn pool(scripts: &[(&'static str, u32, &[UpstreamError])]) -> Pool {
    let endpoint = |(name, weight, script): &(&'static str, u32, &[UpstreamError])| Endpoint {
        name: (*name).to_owned(),
        weight: *weight,
        upstream: Arc::new(Scripted {
            name,
            takes: Duration::ZERO,
            script: Mutex::new(script.iter().cloned().collect()),
        }),
    };
    Pool::new(scripts.iter().map(endpoint).collect(), RETRY, BREAKER)
}

fn watch() -> Watch {
    Watch::until(Instant::now() + Duration::from_secs(60))
}

async fn said(pool: &Pool) -> Result<String, UpstreamError> {
    pool.complete(&ChatRequest::from_prompt("hi"), &watch()).await.map(|completion| completion.answer.text)
}

fn broken() -> UpstreamError {
    UpstreamError::status(500, None)
}

#[tokio::test(start_paused = true)]
async fn calls_are_shared_out_by_weight() {
    let pool = pool(&[("a", 3, &[]), ("b", 1, &[])]);
    let mut seen = String::new();
    for _ in 0..8 {
        seen += &said(&pool).await.unwrap();
    }
    assert_eq!(seen, "aabaaaba");
}

#[tokio::test(start_paused = true)]
async fn another_endpoint_answers_at_once() {
    let pool = pool(&[("a", 1, &[UpstreamError::status(401, None)]), ("b", 1, &[])]);
    let (watch, start) = (watch(), Instant::now());
    let completion = pool.complete(&ChatRequest::from_prompt("hi"), &watch).await.unwrap();
    assert_eq!((completion.answer.text.as_str(), start.elapsed()), ("b", Duration::ZERO));
    assert_eq!(watch.endpoint().as_deref(), Some("b"));
    let failed = watch.failed();
    assert_eq!((failed.len(), failed[0].endpoint.as_str()), (1, "a"));
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    let passing = pool(&[("a", 1, &[broken(), UpstreamError::Connect("refused".into())])]);
    let start = Instant::now();
    assert_eq!(said(&passing).await.as_deref(), Ok("a"));
    assert!(start.elapsed() >= Duration::from_millis(300), "two pauses: {:?}", start.elapsed());
    for error in [
        UpstreamError::status(401, None),
        UpstreamError::status(400, None),
        UpstreamError::Malformed("x".into()),
        UpstreamError::Timeout(crate::upstream::Phase::FirstByte),
    ] {
        let lasting = pool(&[("a", 1, std::slice::from_ref(&error))]);
        assert_eq!(said(&lasting).await, Err(error));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_asked_of_nobody_else() {
    let refusal = UpstreamError::status(422, None);
    let pool = pool(&[("a", 1, std::slice::from_ref(&refusal)), ("b", 1, &[])]);
    assert_eq!(said(&pool).await, Err(refusal));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_keeps_failing_is_left_alone_and_comes_back() {
    let pool = pool(&[("a", 1, &[broken(), broken(), broken()])]);
    assert_eq!(said(&pool).await, Err(broken()));
    let rest = said(&pool).await.unwrap_err();
    assert_eq!(rest, UpstreamError::Resting { retry_after: Duration::from_secs(10) });
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(said(&pool).await.as_deref(), Ok("a"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_before_it_says_something_is_made_good() {
    let pool = pool(&[("a", 1, &[UpstreamError::Cut]), ("b", 1, &[])]);
    let watch = watch();
    let chunks = pool.stream(&ChatRequest::from_prompt("hi"), &watch).await.unwrap();
    let texts: Vec<String> = chunks.map(|chunk| chunk.unwrap().choices[0].text.clone()).collect().await;
    assert_eq!((texts.concat().as_str(), watch.failed().len()), ("b", 1));
}

#[tokio::test(start_paused = true)]
async fn streams_that_break_later_open_the_breaker_too() {
    let breaker = Breaker::new(BREAKER);
    for _ in 0..3 {
        let broken = stream::iter([Err(UpstreamError::Cut)]).boxed();
        let _: Vec<_> = judged(broken, breaker.admit().unwrap()).collect().await;
    }
    assert!(breaker.rests().is_some());
}

/// Two endpoints that take so many seconds, the first of which fails or not; another one is called after two seconds.
async fn hedged(takes: [u64; 2], first_fails: bool) -> (Result<String, UpstreamError>, Watch, u64) {
    let endpoint = |name, takes, script: Vec<UpstreamError>| {
        let (takes, script) = (Duration::from_secs(takes), Mutex::new(script.into()));
        Endpoint { name: str::to_owned(name), weight: 1, upstream: Arc::new(Scripted { name, takes, script }) }
    };
    let script = if first_fails { vec![broken()] } else { Vec::new() };
    let endpoints = vec![endpoint("a", takes[0], script), endpoint("b", takes[1], Vec::new())];
    let pool = Pool::new(endpoints, RETRY, BREAKER).hedging(Some(Duration::from_secs(2)));
    let (watch, start) = (watch(), Instant::now());
    let said = pool.complete(&ChatRequest::from_prompt("hi"), &watch).await.map(|completion| completion.answer.text);
    (said, watch, start.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_silent_endpoint_has_another_one_called_beside_it() {
    for (takes, first_fails, expected, endpoint, given_up, after) in [
        // Quick enough: nobody else is asked.
        ([1, 1], false, "a", "a", 0, 1),
        // The second one, called after two seconds, is first; or it is not.
        ([9, 1], false, "b", "b", 1, 3),
        ([4, 9], false, "a", "a", 1, 4),
        // The first one fails while the second is under way.
        ([3, 4], true, "b", "b", 0, 6),
    ] {
        let (said, watch, took) = hedged(takes, first_fails).await;
        assert_eq!((said.unwrap().as_str(), took), (expected, after), "{takes:?}");
        assert_eq!((watch.endpoint().as_deref(), watch.given_up()), (Some(endpoint), given_up), "{takes:?}");
        assert_eq!(watch.failed().len(), usize::from(first_fails));
    }
}
