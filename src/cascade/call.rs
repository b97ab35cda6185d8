//! One call to one tier: what is asked, and what comes back.

use futures_util::TryStreamExt;
use tokio::time::{Instant, timeout_at};

use crate::chat::{Answer, ChatRequest};
use crate::config::CascadeConfig;
use crate::upstream::{Chunk, Completion, Fold, Phase, Tier, UpstreamError, Watch};

/// How an answer is fetched: as the client will get it, so that it sees the upstream's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Whole,
    Stream,
}

/// An answer, with the words that it came in.
#[derive(Debug)]
pub(super) enum Fetched {
    Whole(Completion),
    Stream(Answer, Vec<Chunk>),
}

impl Fetched {
    pub(super) fn answer(&self) -> &Answer {
        match self {
            Self::Whole(completion) => &completion.answer,
            Self::Stream(answer, _) => answer,
        }
    }
}

/// Fetches a complete answer; a streamed one is held back until its end.
pub(super) async fn fetch(
    tier: &Tier,
    request: &ChatRequest,
    shape: Shape,
    watch: &Watch,
) -> Result<Fetched, UpstreamError> {
    within(watch.deadline, async {
        match shape {
            Shape::Whole => tier.endpoints.complete(request, watch).await.map(Fetched::Whole),
            Shape::Stream => gather(tier, request, watch).await,
        }
    })
    .await?
}

async fn gather(tier: &Tier, request: &ChatRequest, watch: &Watch) -> Result<Fetched, UpstreamError> {
    let chunks: Vec<Chunk> = tier.endpoints.stream(request, watch).await?.try_collect().await?;
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    Ok(Fetched::Stream(fold.into_answer(), chunks))
}

/// Waits at most until the request's deadline.
pub(super) async fn within<T>(deadline: Instant, wait: impl Future<Output = T>) -> Result<T, UpstreamError> {
    timeout_at(deadline, wait).await.map_err(|_| UpstreamError::Timeout(Phase::Request))
}

/// The client's own request as a checked rung is asked it: log-probabilities are asked for where the tier has them; the
/// endpoint takes them out again if the client did not ask.
pub(super) fn checked(request: &ChatRequest, tier: &Tier) -> ChatRequest {
    let asks = request.get("logprobs").unwrap_or(false);
    let request = request.clone();
    if tier.config.logprobs && !asks { request.with("logprobs", &true.into()) } else { request }
}

/// The same request as a sample beside it is asked it: without its seed, and not colder than the configuration says, for
/// both would draw the same answer again. A request without a temperature stays so: some models refuse to be told one.
pub(super) fn sample(request: &ChatRequest, tier: &Tier, config: &CascadeConfig) -> ChatRequest {
    let sample = checked(request, tier).without("seed");
    let is_colder = sample.get("temperature").is_some_and(|own: f64| own < config.sample_temperature);
    if is_colder { sample.with("temperature", &config.sample_temperature.into()) } else { sample }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(logprobs: bool) -> Tier {
        let toml = format!("name = \"t\"\nbase_url = \"http://localhost\"\nmodel = \"m\"\nlogprobs = {logprobs}");
        let config: crate::config::TierConfig = toml::from_str(&toml).unwrap();
        Tier::open(config, &Default::default()).unwrap()
    }

    #[test]
    fn samples_differ_from_the_clients_own_call() {
        let request = ChatRequest::from_prompt("hi").with("seed", &7.into()).with("temperature", &0.into());
        let own = checked(&request, &tier(true));
        let sample = sample(&request, &tier(true), &CascadeConfig::default());
        assert_eq!((own.get("seed"), own.get("temperature")), (Some(7), Some(0)));
        assert_eq!((sample.get::<u64>("seed"), sample.get("temperature")), (None, Some(0.7)));
        assert_eq!((own.get("logprobs"), sample.get("logprobs")), (Some(true), Some(true)));
        let warmth =
            |request: &ChatRequest| super::sample(request, &tier(true), &CascadeConfig::default()).get("temperature");
        assert_eq!(warmth(&request.clone().with("temperature", &0.9.into())), Some(0.9));
        assert_eq!(warmth(&request.without("temperature")), None::<f64>);
    }

    #[test]
    fn a_tier_without_logprobs_is_not_asked_for_them() {
        assert_eq!(checked(&ChatRequest::from_prompt("hi"), &tier(false)).get::<bool>("logprobs"), None);
    }
}
