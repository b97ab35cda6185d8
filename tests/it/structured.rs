//! Structured outputs: what does not have the form that the request demands climbs, and nothing in the request changes.

use rungs::decisions::{AttemptStatus, EscalationReason, Form};
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::support::model::{answering, completion, events, received, saying, sse, whole};
use crate::support::router::{Router, header, two_tiers};

async fn over(small: &MockServer, large: &MockServer) -> Router {
    Router::with(&two_tiers("", &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()))).await
}

fn person() -> Value {
    let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]});
    json!({"response_format": {"type": "json_schema", "json_schema": {"name": "person", "strict": true, "schema": schema}}})
}

/// What becomes of a text of `small`, by tier, reason and form, whole and streamed.
async fn become_of(text: &str, demand: &Value) -> Vec<(String, Option<EscalationReason>, Option<Form>)> {
    let mut seen = Vec::new();
    for stream in [false, true] {
        let reply = if stream { sse(&events(&[&text[..1], &text[1..]])) } else { whole(&completion(text)) };
        let (small, large) = (answering(reply).await, saying(r#"{"age": 40}"#).await);
        let router = over(&small, &large).await;
        let mut more = demand.clone();
        more["stream"] = stream.into();
        let response = router.ask("easy", more).await;
        let tier = header(&response, "x-rungs-tier");
        let attempt = router.ended(response).await.attempts.swap_remove(0);
        seen.push((tier, attempt.reason, attempt.signals.form));
        let sent: Value = serde_json::from_str(&received(&small).await[0]).unwrap();
        assert_eq!(sent["response_format"], demand["response_format"]);
    }
    seen
}

#[tokio::test]
async fn an_answer_that_the_schema_forbids_climbs() {
    let valid = ("small".to_owned(), None, Some(Form::Valid));
    let invalid = ("large".to_owned(), Some(EscalationReason::Schema), Some(Form::Invalid));
    let object = json!({"response_format": {"type": "json_object"}});
    for (text, demand, expected) in [
        (r#"{"age": 40}"#, &person(), &valid),
        (r#"{"age": "forty"}"#, &person(), &invalid),
        (r#"{"age": 40"#, &person(), &invalid),
        (r#"{"anything": 1}"#, &object, &valid),
        ("Here you are: {}", &object, &invalid),
    ] {
        assert_eq!(become_of(text, demand).await, [expected.clone(), expected.clone()], "{text}");
    }
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_is_the_upstreams_to_refuse() {
    let elsewhere = MockServer::start().await;
    for schema in [json!({"type": "objct"}), json!({"$ref": format!("{}/person.json", elsewhere.uri())})] {
        let demand =
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}});
        let unchecked = ("small".to_owned(), None, Some(Form::Unchecked));
        assert_eq!(become_of(r#"{"age": 40}"#, &demand).await, [unchecked.clone(), unchecked]);
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_last_rungs_answer_is_passed_on_and_its_form_recorded() {
    for stream in [false, true] {
        let (small, large) = (saying("no JSON").await, saying("no JSON either").await);
        let router = over(&small, &large).await;
        let mut more = person();
        more["stream"] = stream.into();
        let response = router.ask("easy", more).await;
        let id = header(&response, "x-rungs-decision-id");
        assert!(response.text().await.unwrap().contains("no JSON either"));
        let record = router.store.get(&id).await.unwrap().unwrap();
        let last = record.attempts.last().unwrap();
        assert_eq!(
            (last.tier.as_str(), last.status, last.signals.form),
            ("large", AttemptStatus::Accepted, Some(Form::Invalid))
        );
    }
}

fn calling(name: &str, arguments: &str) -> Value {
    let mut completion = completion("");
    completion["choices"][0]["message"]["tool_calls"] =
        json!([{"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}]);
    completion
}

/// The same call as a stream, its arguments cut in two.
fn streaming(name: &str, arguments: &str) -> String {
    let (first, second) = arguments.split_at(arguments.len() / 2);
    let piece = |function: Value| {
        let delta = json!({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]});
        let chunk = json!({"object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": delta}]});
        format!("data: {chunk}\n\n")
    };
    piece(json!({"name": name, "arguments": first}))
        + &piece(json!({ "arguments": second }))
        + "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"
}

#[tokio::test]
async fn calls_that_no_declaration_allows_climb() {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters": parameters}}]);
    for (name, arguments, reason) in [
        ("weather", r#"{"city": "Oslo"}"#, None),
        ("weather", r#"{"city": 7}"#, Some(EscalationReason::ToolArguments)),
        ("weather", r#"{"city": "Os"#, Some(EscalationReason::ToolArguments)),
        ("forecast", r#"{"city": "Oslo"}"#, Some(EscalationReason::ToolArguments)),
    ] {
        for stream in [false, true] {
            let reply = if stream { sse(&streaming(name, arguments)) } else { whole(&calling(name, arguments)) };
            let (small, large) = (answering(reply).await, saying("from large").await);
            let router = over(&small, &large).await;
            let response = router.ask("easy", json!({"tools": tools, "stream": stream})).await;
            assert_eq!(header(&response, "x-rungs-tier"), if reason.is_none() { "small" } else { "large" });
            assert_eq!(router.ended(response).await.attempts[0].reason, reason, "{name} {arguments}");
        }
    }
}
