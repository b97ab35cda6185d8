//! A check that is an endpoint: the same JSON posted, its verdict in the answer.

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response};
use serde::Deserialize;

use super::Said;
use crate::decisions::CheckVerdict;

/// An answer of more bytes is an error.
const LONGEST: usize = 64 << 10;

/// The client of checks and of redaction, which keep to their time limits themselves.
///
/// # Errors
/// When no TLS roots are to be had.
pub(in crate::cascade) fn client() -> Result<Client, String> {
    crate::client::client().build().map_err(|error| error.to_string())
}

/// Posts to an endpoint, which answers `{"verdict": "pass" | "fail" | "abstain", "score"?: 0..1}`. Without a verdict, a
/// score counts as a pass, for the check's `min_score` to judge.
///
/// # Errors
/// When it cannot be reached, or answers with anything else.
pub(super) async fn run(client: &Client, url: &str, input: Bytes) -> Result<Said, String> {
    let body = post(client, url, input, LONGEST).await?;
    let wire: Wire = serde_json::from_slice(&body).map_err(|error| format!("sent no verdict: {error}"))?;
    let score = wire.score.filter(|score| (0.0..=1.0).contains(score));
    match wire.verdict.or(score.map(|_| CheckVerdict::Pass)) {
        Some(verdict) => Ok(Said { verdict, score }),
        None => Err("sent neither a verdict nor a score in [0, 1]".to_owned()),
    }
}

/// Posts JSON; gives what a successful answer says, `most` bytes of it at the most.
///
/// # Errors
/// When the endpoint cannot be reached, answers with another status or says more.
pub(in crate::cascade) async fn post(client: &Client, url: &str, input: Bytes, most: usize) -> Result<Vec<u8>, String> {
    let call = client.post(url).header(CONTENT_TYPE, "application/json").body(input).send();
    // The address is left out: it may hold credentials.
    let response = call.await.map_err(|error| format!("cannot be reached: {}", error.without_url()))?;
    if !response.status().is_success() {
        return Err(format!("answered with status {}", response.status().as_u16()));
    }
    read(response, most).await
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    verdict: Option<CheckVerdict>,
    #[serde(default)]
    score: Option<f64>,
}

async fn read(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| format!("broke off: {}", error.without_url()))? {
        body.extend_from_slice(&piece);
        if body.len() > most {
            return Err(format!("sent more than {most} bytes"));
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

    use super::*;

    async fn answering(response: ResponseTemplate) -> Result<Said, String> {
        let server = MockServer::start().await;
        let exactly = matchers::body_json(json!({"a": 1}));
        Mock::given(matchers::method("POST")).and(exactly).respond_with(response).mount(&server).await;
        run(&client().unwrap(), &server.uri(), Bytes::from_static(b"{\"a\":1}")).await
    }

    async fn saying(body: Value) -> Result<Said, String> {
        answering(ResponseTemplate::new(200).set_body_json(body)).await
    }

    #[tokio::test]
    async fn the_verdict_is_in_the_body() {
        for (body, verdict, score) in [
            (json!({"verdict": "pass"}), CheckVerdict::Pass, None),
            (json!({"verdict": "fail", "score": 0.25, "why": "too short"}), CheckVerdict::Fail, Some(0.25)),
            (json!({"verdict": "abstain", "score": 7}), CheckVerdict::Abstain, None),
            (json!({"score": 0.25}), CheckVerdict::Pass, Some(0.25)),
        ] {
            assert_eq!(saying(body).await, Ok(Said { verdict, score }));
        }
    }

    #[tokio::test]
    async fn anything_else_is_an_error() {
        for (body, says) in [
            (json!({"verdict": "maybe"}), "no verdict"),
            (json!("pass"), "no verdict"),
            (json!({"score": 7}), "neither"),
            (json!({"verdict": "pass", "why": "x".repeat(LONGEST)}), "more than"),
        ] {
            let error = saying(body).await.unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(answering(ResponseTemplate::new(500)).await.unwrap_err().contains("500"));
        let elsewhere = ResponseTemplate::new(307).insert_header("location", "http://127.0.0.1:9/");
        assert!(answering(elsewhere).await.unwrap_err().contains("307"));
        let refused = run(&client().unwrap(), "http://127.0.0.1:9/?key=secret", Bytes::new()).await.unwrap_err();
        assert!(refused.starts_with("cannot be reached") && !refused.contains("secret"), "{refused}");
    }
}
