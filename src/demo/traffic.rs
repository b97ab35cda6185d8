//! The held-out requests, sent as a client would.

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::chat::ChatRequest;
use crate::config::TierConfig;
use crate::labelled::LabelledQuery;
use crate::upstream::{OpenAi, Upstream, UpstreamError};

/// Requests under way at a time.
const CONCURRENT: usize = 16;
/// Every so many requests one is streamed.
const STREAMED: usize = 4;

/// Sends each query once, some of them as streams, and names it as the request's task. What goes wrong is in the log;
/// the client only has to see it too.
pub(super) async fn send(url: &str, model: &str, queries: &[LabelledQuery]) -> anyhow::Result<()> {
    let client = client(url, model)?;
    let bar = ProgressBar::new(queries.len() as u64)
        .with_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}")?)
        .with_message(model.to_owned());
    stream::iter(queries.iter().enumerate())
        .map(Ok)
        .try_for_each_concurrent(CONCURRENT, |(i, query)| {
            let (client, bar) = (&client, &bar);
            async move {
                ask(client, query, i % STREAMED == 0).await.with_context(|| format!("the request {}", query.id))?;
                bar.inc(1);
                anyhow::Ok(())
            }
        })
        .await?;
    bar.finish_and_clear();
    Ok(())
}

async fn ask(client: &OpenAi, query: &LabelledQuery, streamed: bool) -> Result<(), UpstreamError> {
    let request = labelled_as_task(query);
    if streamed {
        // Reading to the end is what tells a whole answer from a broken one.
        client.stream(&request).await?.try_for_each(|_| async { Ok(()) }).await
    } else {
        client.complete(&request).await.map(drop)
    }
}

fn labelled_as_task(query: &LabelledQuery) -> ChatRequest {
    let route = query.route.as_deref().unwrap_or_default();
    query.request.clone().with("metadata", &json!({"x-rungs-task": query.id, "x-rungs-route": route}))
}

/// The router is asked like any OpenAI-compatible server.
fn client(url: &str, model: &str) -> anyhow::Result<OpenAi> {
    let router: TierConfig = serde_json::from_value(json!({"name": "router", "base_url": url, "model": model}))?;
    OpenAi::new(&router).map_err(anyhow::Error::msg)
}
