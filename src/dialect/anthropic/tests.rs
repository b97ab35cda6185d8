//! Golden translations, both ways.

use serde_json::{Value, json};

use super::decode::Decoded;
use super::{Decoder, Encoder, ask, completion, message, not_carried, read};
use crate::chat::{Answer, ChatRequest, ToolCall, Usage};
use crate::dialect::Dialect;
use crate::upstream::Chunk;
use crate::upstream::usage::AnthropicUsage;

fn asked(request: Value) -> Value {
    let request = ChatRequest::parse(request.to_string().as_bytes()).unwrap();
    serde_json::from_slice(&ask(&request, "claude-x", 100).unwrap()).unwrap()
}

fn refused(request: Value) -> String {
    let request = ChatRequest::parse(request.to_string().as_bytes()).unwrap();
    ask(&request, "claude-x", 100).unwrap_err()
}

fn translated(request: &ChatRequest) -> Value {
    serde_json::from_slice(&request.to_body()).unwrap()
}

#[test]
fn a_chat_request_is_asked_in_anthropics_words() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let request = json!({
        "model": "auto", "max_completion_tokens": 64, "temperature": 1.6, "top_p": 0.5, "stop": "END", "user": "u-1",
        "stream": true, "stream_options": {"include_usage": true}, "reasoning_effort": "minimal",
        "parallel_tool_calls": false, "tool_choice": "required",
        "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema, "strict": true}},
                  {"type": "function", "function": {"name": "now"}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "image_url", "image_url": {"url": "https://h/i.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}}]},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ghent\"}"}},
                {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "not JSON"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "noon"}]},
            {"role": "user", "content": "And?"}],
    });
    let expected = json!({
        "model": "claude-x", "max_tokens": 64,
        "system": [{"type": "text", "text": "Be brief."},
                   {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "image", "source": {"type": "url", "url": "https://h/i.png"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Ghent"}},
                {"type": "tool_use", "id": "c2", "name": "now", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "rain"},
                {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "noon"}]},
                {"type": "text", "text": "And?"}]}],
        "top_p": 0.5, "temperature": 1.0, "stream": true, "stop_sequences": ["END"], "metadata": {"user_id": "u-1"},
        "tools": [{"name": "weather", "input_schema": schema, "description": "d", "strict": true},
                  {"name": "now", "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "output_config": {"format": {"type": "json_schema", "schema": schema}, "effort": "low"},
    });
    assert_eq!(asked(request), expected);
}

#[test]
fn what_has_no_words_is_named_or_refused() {
    let hi = json!([{"role": "user", "content": "hi"}]);
    let request = json!({"messages": hi, "seed": 7, "logit_bias": {}, "logprobs": true, "n": 1, "max_tokens": 5});
    let request = ChatRequest::parse(request.to_string().as_bytes()).unwrap();
    assert_eq!(not_carried(&request), ["seed", "logit_bias", "logprobs"]);
    assert!(refused(json!({"messages": hi, "n": 2})).contains("choice"));
    assert!(
        refused(json!({"messages": hi, "tools": [{"type": "custom", "custom": {"name": "x"}}]})).contains("custom")
    );
    let audio = json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]);
    assert!(refused(json!({ "messages": audio })).contains("input_audio"));
    assert_eq!(asked(json!({ "messages": hi }))["max_tokens"], 100);
}

const MESSAGES: &str = r#"{"model":"auto","max_tokens":64,"stop_sequences":["END"],"top_k":5,"thinking":{"type":"enabled","budget_tokens":1024},
    "metadata":{"user_id":"u-1","x-rungs-route":"triage"},"tool_choice":{"type":"tool","name":"weather","disable_parallel_tool_use":true},
    "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
    "tools":[{"name":"weather","description":"d","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":"web_search"}],
    "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},
    "messages":[{"role":"user","content":[{"type":"text","text":"Look"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
    {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"I ask."},
      {"type":"tool_use","id":"t1","name":"weather","input":{"city":"Ghent"}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":[{"type":"text","text":"rain"},
      {"type":"image","source":{"type":"url","url":"https://h/r.png"}}]},{"type":"text","text":"And?"}]}]}"#;

#[test]
fn a_messages_request_is_read_as_a_chat_request() {
    let request = read(MESSAGES.as_bytes()).unwrap();
    let expected = json!({
        "model": "auto", "max_tokens": 64, "stop": ["END"], "user": "u-1", "metadata": {"x-rungs-route": "triage"},
        "tool_choice": {"type": "function", "function": {"name": "weather"}}, "parallel_tool_calls": false,
        "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object"}}}],
        "response_format": {"type": "json_schema",
            "json_schema": {"name": "output", "schema": {"type": "object"}, "strict": true}},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            {"role": "assistant", "content": "I ask.", "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Ghent\"}"}}]},
            {"role": "tool", "tool_call_id": "t1", "content": "rain"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://h/r.png"}},
                {"type": "text", "text": "And?"}]}],
    });
    assert_eq!(translated(&request), expected);
    let lost =
        ["cache_control", "content of type thinking", "is_error", "top_k", "thinking", "the tool web_search_20250305"];
    assert_eq!(request.lost(), lost);
}

#[test]
fn between_two_ends_of_one_dialect_nothing_is_translated() {
    let request = read(MESSAGES.as_bytes()).unwrap();
    assert!(not_carried(&request).is_empty());
    let request = request.with("temperature", &0.7.into()).with("logprobs", &true.into());
    let sent: Value = serde_json::from_slice(&ask(&request, "claude-x", 100).unwrap()).unwrap();
    let mut expected: Value = serde_json::from_str(MESSAGES).unwrap();
    expected["model"] = "claude-x".into();
    expected["metadata"] = json!({"user_id": "u-1"});
    expected["temperature"] = 0.7.into();
    assert_eq!(sent, expected);
    assert!(request.native(Dialect::OpenAi).is_none());
}

#[test]
fn a_wrong_messages_request_is_told_where() {
    for (body, param) in [
        (r#"{"messages":[{"role":"user","content":"a"}]}"#, "max_tokens"),
        (r#"{"max_tokens":5}"#, "messages"),
        (r#"{"max_tokens":5,"messages":[]}"#, "messages"),
        (r#"{"max_tokens":5,"messages":[{"role":"oracle","content":"a"}]}"#, "messages.0.role"),
        (r#"{"max_tokens":5,"messages":[{"role":"user","content":7}]}"#, "messages.0.content"),
        (r#"{"max_tokens":5,"messages":[{"role":"user","content":"a"}],"tools":7}"#, "tools"),
    ] {
        assert_eq!(read(body.as_bytes()).unwrap_err().param.as_deref(), Some(param), "{body}");
    }
    assert!(read(b"[]").is_err() && read(b"{").is_err());
}

#[test]
fn a_message_becomes_a_completion() {
    let usage = json!({"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 7});
    let told = json!({"id": "msg_1", "type": "message", "model": "claude-x", "stop_reason": "tool_use", "usage": usage,
        "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "I ask."},
            {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Ghent"}}]});
    let usage = serde_json::from_value::<AnthropicUsage>(usage).unwrap().read();
    let mut completion = completion(&told, usage);
    completion["created"] = 0.into();
    assert_eq!(
        completion,
        json!({"id": "msg_1", "object": "chat.completion", "created": 0, "model": "claude-x",
            "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "I ask.", "refusal": null, "reasoning_content": "hm",
                "tool_calls": [{"id": "t1", "type": "function",
                    "function": {"name": "weather", "arguments": "{\"city\":\"Ghent\"}"}}]}}],
            "usage": {"prompt_tokens": 130, "completion_tokens": 7, "total_tokens": 137,
                "prompt_tokens_details": {"cached_tokens": 100}, "completion_tokens_details": {"reasoning_tokens": 0}}})
    );
}

#[test]
fn an_answer_becomes_a_message() {
    let call = ToolCall { id: "c1".into(), name: "weather".into(), arguments: "{\"city\": \"Ghent\"}".into() };
    let usage = Usage { cached_tokens: 40, cache_write_5m_tokens: 10, ..Usage::new(100, 7) };
    let answer = Answer {
        text: "I ask.".into(),
        tool_calls: vec![call],
        finish_reason: Some("tool_calls".into()),
        usage: Some(usage),
        ..Answer::default()
    };
    assert_eq!(
        message(&answer, "1", "gpt-x"),
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "gpt-x", "stop_sequence": null,
            "content": [{"type": "text", "text": "I ask."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Ghent"}}],
            "stop_reason": "tool_use", "usage": {"input_tokens": 50, "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": 40, "output_tokens": 7}})
    );
}

#[test]
fn events_become_chunks() {
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude-x",
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "four"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "t1", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":"}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "1}"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "content_block_start", "index": 3, "content_block": {"type": "tool_use", "id": "t2", "name": "g", "input": {}}}),
        json!({"type": "content_block_stop", "index": 3}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
    ];
    let (mut decoder, mut fold) = (Decoder::default(), crate::upstream::Fold::default());
    for event in &events {
        let Decoded::Chunks(chunks) = decoder.push(event) else { panic!("{event}") };
        chunks.iter().for_each(|chunk| fold.push(&Chunk::parse(chunk.to_string()).unwrap()));
    }
    assert_eq!(decoder.push(&json!({"type": "message_stop"})), Decoded::End);
    let error = json!({"type": "overloaded_error", "message": "busy"});
    assert_eq!(decoder.push(&json!({"type": "error", "error": error})), Decoded::Error(error));
    assert_eq!(decoder.usage(), Some(Usage { cached_tokens: 5, ..Usage::new(15, 9) }));
    let answer = fold.into_answer();
    assert_eq!((answer.text.as_str(), answer.finish_reason.as_deref()), ("four", Some("tool_calls")));
    let calls: Vec<_> = answer.tool_calls.iter().map(|call| (&*call.id, &*call.name, &*call.arguments)).collect();
    assert_eq!(calls, [("t1", "f", "{\"a\":1}"), ("t2", "g", "{}")]);
    assert_eq!(answer.usage.map(|usage| (usage.input_tokens, usage.cached_tokens)), Some((15, 5)));
}

#[test]
fn chunks_become_events() {
    let mut encoder = Encoder::new("1", "gpt-x");
    let mut events: Vec<Value> = Vec::new();
    for chunk in [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"I "}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"ask."}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"function":{"arguments":"}"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}"#,
    ] {
        events.extend(encoder.push(&Chunk::parse(chunk.to_owned()).unwrap()));
    }
    events.extend(encoder.end(&json!({"cost_usd": 0.5})));
    let usage = |input: u64, read: u64, output: u64| json!({"input_tokens": input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": read, "output_tokens": output});
    let mut last = usage(6, 4, 3);
    last["x_rungs"] = json!({"cost_usd": 0.5});
    let call = |index: u64, id: &str, name: &str, pieces: &[&str]| {
        let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        let mut events = vec![json!({"type": "content_block_start", "index": index, "content_block": block})];
        events.extend(pieces.iter().map(|piece| {
            json!({"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": piece}})
        }));
        events.push(json!({"type": "content_block_stop", "index": index}));
        events
    };
    let mut expected = vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "gpt-x",
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage(0, 0, 0)}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I "}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ask."}}),
        json!({"type": "content_block_stop", "index": 0}),
    ];
    expected.extend(call(1, "a", "f", &["{}"]));
    expected.extend(call(2, "b", "g", &["{}"]));
    expected.push(
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": last}),
    );
    expected.push(json!({"type": "message_stop"}));
    assert_eq!(events, expected);
}
