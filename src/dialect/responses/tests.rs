//! Golden translations.

use serde_json::{Value, json};

use super::{Encoder, Frame, read};
use crate::chat::{Answer, ChatRequest, ToolCall, Usage};
use crate::upstream::Chunk;

const REQUEST: &str = r#"{"model":"auto","instructions":"Be brief.","max_output_tokens":64,"temperature":0.5,"store":true,
    "reasoning":{"effort":"low","summary":"auto"},"metadata":{"x-rungs-route":"triage"},"prompt":{"id":"p"},
    "text":{"format":{"type":"json_schema","name":"city","schema":{"type":"object"},"strict":true},"verbosity":"low"},
    "tools":[{"type":"function","name":"weather","description":"d","parameters":{"type":"object"},"strict":true},{"type":"web_search"}],
    "tool_choice":{"type":"function","name":"weather"},
    "input":[{"role":"user","content":[{"type":"input_text","text":"Look"},{"type":"input_image","image_url":"data:image/png;base64,AAAA","detail":"low"},
        {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,BBBB"}]},
      {"type":"reasoning","id":"rs_1","summary":[]},
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"I ask."}]},
      {"type":"function_call","call_id":"c1","name":"weather","arguments":"{}"},
      {"type":"function_call","call_id":"c2","name":"weather","arguments":"{}"},
      {"type":"function_call_output","call_id":"c1","output":"rain"},
      {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"sun"}]}]}"#;

fn request() -> ChatRequest {
    read(REQUEST.as_bytes()).unwrap()
}

#[test]
fn a_request_is_read_as_a_chat_request() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": "{}"}});
    let expected = json!({
        "model": "auto", "max_tokens": 64, "temperature": 0.5, "reasoning_effort": "low", "verbosity": "low",
        "metadata": {"x-rungs-route": "triage"},
        "response_format": {"type": "json_schema",
            "json_schema": {"name": "city", "schema": {"type": "object"}, "strict": true}},
        "tools": [{"type": "function", "function":
            {"name": "weather", "description": "d", "parameters": {"type": "object"}, "strict": true}}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}}]},
            {"role": "assistant", "content": "I ask.", "tool_calls": [call("c1"), call("c2")]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "tool", "tool_call_id": "c2", "content": "sun"}],
    });
    let request = request();
    assert_eq!(serde_json::from_slice::<Value>(&request.to_body()).unwrap(), expected);
    assert_eq!(request.lost(), ["input of type reasoning", "reasoning.summary", "prompt", "the tool web_search"]);
}

#[test]
fn what_needs_a_memory_is_refused() {
    for (body, param) in [
        (r#"{"input":"a","previous_response_id":"r"}"#, "previous_response_id"),
        (r#"{"input":"a","background":true}"#, "background"),
        (r#"{"input":[{"type":"item_reference","id":"i"}]}"#, "input[0]"),
        (r#"{"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]}"#, "input[0]"),
        (r#"{"input":[]}"#, "input"),
        ("{}", "input"),
        (r#"{"input":[{"role":"user","content":7}]}"#, "input[0]"),
    ] {
        assert_eq!(read(body.as_bytes()).unwrap_err().param.as_deref(), Some(param), "{body}");
    }
    assert!(read(br#"{"input":"a","previous_response_id":null,"background":false}"#).is_ok());
}

#[test]
fn an_answer_becomes_a_response() {
    let answer = Answer {
        text: "I ask.".into(),
        tool_calls: vec![ToolCall { id: "c1".into(), name: "weather".into(), arguments: "{}".into() }],
        finish_reason: Some("tool_calls".into()),
        usage: Some(Usage { cached_tokens: 40, ..Usage::new(100, 7) }),
        ..Answer::default()
    };
    let frame = Frame::of(&request()).unwrap();
    let response = frame.whole(&answer, "1", "gpt-x");
    assert_eq!(
        (&response["id"], &response["status"], &response["model"]),
        (&json!("resp_1"), &json!("completed"), &json!("gpt-x"))
    );
    assert_eq!(
        response["output"],
        json!([{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "I ask.", "annotations": [], "logprobs": []}]},
            {"id": "fc_1_0", "type": "function_call", "status": "completed", "call_id": "c1", "name": "weather",
                "arguments": "{}"}])
    );
    assert_eq!(response["usage"]["input_tokens_details"]["cached_tokens"], 40);
    assert_eq!((&response["instructions"], &response["tool_choice"]["name"]), (&json!("Be brief."), &json!("weather")));
    let cut = frame.whole(&Answer { finish_reason: Some("length".into()), ..answer }, "1", "gpt-x");
    assert_eq!(
        (&cut["status"], &cut["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
}

#[test]
fn chunks_become_numbered_events() {
    let mut encoder = Encoder::new(Frame::of(&request()).unwrap(), "1", "gpt-x");
    let mut events = Vec::new();
    for chunk in [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"I "}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"ask."}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3}}"#,
    ] {
        events.extend(encoder.push(&Chunk::parse(chunk.to_owned()).unwrap()));
    }
    events.extend(encoder.end(&json!({"cost_usd": 0.5})));
    let kinds: Vec<&str> =
        events.iter().map(|event| event["type"].as_str().unwrap().strip_prefix("response.").unwrap()).collect();
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(kinds, expected);
    let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
    let response = &events.last().unwrap()["response"];
    let calls: Vec<&Value> = response["output"].as_array().unwrap().iter().map(|item| &item["arguments"]).collect();
    assert_eq!(calls, [&Value::Null, &json!("{}"), &json!("{}")]);
    assert_eq!(
        (&response["usage"]["x_rungs"]["cost_usd"], &response["usage"]["input_tokens"]),
        (&json!(0.5), &json!(10))
    );
    assert_eq!(events[6]["text"], "I ask.");
}

#[test]
fn a_broken_stream_never_completes() {
    let mut encoder = Encoder::new(Frame::of(&request()).unwrap(), "1", "gpt-x");
    encoder.push(&Chunk::parse(r#"{"choices":[{"index":0,"delta":{"content":"I "}}]}"#.to_owned()).unwrap());
    let events = encoder.failed(&json!({"message": "cut", "code": "upstream_error", "param": null}));
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["error", "response.failed"]);
    assert_eq!(events[1]["response"]["error"], json!({"code": "upstream_error", "message": "cut"}));
}
