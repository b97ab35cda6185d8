//! How spans get to the collector: with the same HTTP client as everything else.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::{Request, Response};
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError};
use reqwest::Client;
use tokio::runtime::Handle;

use crate::client::client;

/// Sends on the router's own runtime: batches are made on a thread that has none.
#[derive(Debug)]
pub(super) struct Collector {
    client: Client,
    runtime: Handle,
}

/// How long one batch may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read: a collector has little to say.
const LONGEST_ANSWER: usize = 64 << 10;

impl Collector {
    pub(super) fn new() -> Result<Self, String> {
        let client = client().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
        Ok(Self { client, runtime: Handle::try_current().map_err(|error| error.to_string())? })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(send(client, request)).await?
    }
}

async fn send(client: Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = request.into_parts();
    let call = client.request(head.method, head.uri.to_string()).headers(head.headers).body(body).send();
    let mut answer = call.await.map_err(reqwest::Error::without_url)?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if body.len() + piece.len() > LONGEST_ANSWER {
            break;
        }
        body.extend_from_slice(&piece);
    }
    Ok(response.body(Bytes::from(body))?)
}
