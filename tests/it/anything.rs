//! Requests of any form: whatever a client sends to whichever endpoint, the router neither panics nor fails.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::support::model::saying;
use crate::support::router::{Router, two_tiers};

/// Requests to each endpoint.
const ROUNDS: usize = 300;

/// Sound requests with much in them, of each dialect.
fn sound() -> Vec<(&'static str, Value)> {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let call = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let chat = json!({
        "model": "auto", "stream": false, "n": 1, "temperature": 0.3, "max_tokens": 20, "stop": ["x"], "seed": 1, "logprobs": true,
        "stream_options": {"include_usage": true}, "metadata": {"x-rungs-route": "triage", "team": "a"}, "user": "u",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}], "tool_choice": "auto",
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}, "reasoning_effort": "low",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "easy"}, image]},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "user", "content": "and now?"},
        ],
    });
    let messages = json!({
        "model": "auto", "max_tokens": 20, "stream": false, "system": [{"type": "text", "text": "Be brief."}], "stop_sequences": ["x"],
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [{"name": "f", "input_schema": schema}],
        "tool_choice": {"type": "auto"}, "metadata": {"user_id": "u"},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "easy", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "rain"}]}]},
        ],
    });
    let responses = json!({
        "model": "auto", "instructions": "Be brief.", "max_output_tokens": 20, "stream": false, "store": false,
        "tools": [{"type": "function", "name": "f", "parameters": schema}], "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "s", "schema": schema}},
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "easy"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
        ],
    });
    vec![
        ("/v1/chat/completions", chat.clone()),
        ("/v1/route", chat),
        ("/v1/messages", messages.clone()),
        ("/v1/messages/count_tokens", messages),
        ("/v1/responses", responses),
        ("/v1/feedback", json!({"decision_id": "x", "score": 0.5, "comment": "good"})),
    ]
}

/// What a field may turn into.
fn junk(rng: &mut StdRng) -> Value {
    let mut all = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}\u{fffd}é"),
        json!("x".repeat(5000)),
        json!([]),
        json!([null, 7]),
        json!({}),
        json!({"type": null}),
        json!({"type": "text", "text": 1}),
        json!({"$ref": "#"}),
        (0..100).fold(json!("x"), |inner, _| json!([inner])),
    ];
    all.swap_remove(rng.random_range(0..all.len()))
}

/// Changes one place of a value, deep or shallow.
fn change(value: &mut Value, rng: &mut StdRng) {
    let (into, how) = (rng.random_bool(0.85), rng.random_range(0..8));
    match value {
        Value::Object(fields) if into && !fields.is_empty() => {
            let name = fields.keys().nth(rng.random_range(0..fields.len())).unwrap().clone();
            match how {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(format!("{name}\u{0}"), junk(rng))),
                _ => change(&mut fields[&name], rng),
            }
        }
        Value::Array(items) if into && !items.is_empty() => {
            let at = rng.random_range(0..items.len());
            match how {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => change(&mut items[at], rng),
            }
        }
        _ => *value = junk(rng),
    }
}

/// A body: mostly JSON with a few changes, sometimes with changed bytes.
fn body(sound: &Value, rng: &mut StdRng) -> Vec<u8> {
    let mut value = sound.clone();
    (0..rng.random_range(0..4)).for_each(|_| change(&mut value, rng));
    let mut bytes = value.to_string().into_bytes();
    if rng.random_bool(0.1) {
        let at = rng.random_range(0..bytes.len());
        bytes[at] = rng.random();
        bytes.truncate(rng.random_range(at..bytes.len()) + 1);
    }
    bytes
}

#[tokio::test]
async fn no_request_makes_the_router_fail() {
    let server = saying("hello").await;
    let url = format!("{}/v1", server.uri());
    let router = Router::with(&two_tiers("", &url, &url)).await;
    let mut rng = StdRng::seed_from_u64(7);
    let (mut served, mut refused) = (0, 0);
    for (path, sound) in sound() {
        for _ in 0..ROUNDS {
            let body = body(&sound, &mut rng);
            let text = String::from_utf8_lossy(&body).into_owned();
            let request =
                router.client.post(format!("{}{path}", router.url)).header("content-type", "application/json");
            let answer = request.body(body).send().await.unwrap();
            let status = answer.status().as_u16();
            let said = answer.text().await.unwrap();
            assert!(status < 500, "{path} {status}: {said}\nto {text}");
            // A refusal says in its dialect what is wrong.
            assert!(status < 400 || said.contains("\"error\""), "{path} {status}: {said}\nto {text}");
            *(if status < 400 { &mut served } else { &mut refused }) += 1;
        }
    }
    println!("{served} served, {refused} refused");
    assert!(served > 200 && refused > 200, "both kinds were made: {served} served, {refused} refused");
}
