//! Whether an answer has the form that the request demands of it.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::schemas::Schemas;
use crate::chat::{Answer, ChatRequest, ToolCall};
use crate::decisions::Form;

/// Judges an answer by the request's own words: calls by the tools that it declares, a text by its `response_format`.
/// `None` where the request demands nothing.
///
/// Calls are the answer where there are any; a text beside them is not judged.
pub(super) async fn form(schemas: &Schemas, request: &ChatRequest, answer: &Answer) -> Option<Form> {
    if !answer.tool_calls.is_empty() {
        return calls(schemas, request, &answer.tool_calls).await;
    }
    let format: ResponseFormat = request.get("response_format")?;
    let value = serde_json::from_str(&answer.text);
    match (format.kind.as_str(), value) {
        ("json_object" | "json_schema", Err(_)) => Some(Form::Invalid),
        ("json_object", Ok(value)) => Some(of(Some(Value::is_object(&value)))),
        ("json_schema", Ok(value)) => match format.json_schema.and_then(|named| named.schema) {
            Some(schema) => Some(of(schemas.fulfils(schema.get(), value).await)),
            None => Some(Form::Unchecked),
        },
        _ => None,
    }
}

#[derive(Deserialize)]
struct ResponseFormat {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    json_schema: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    schema: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Tool {
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    parameters: Option<Box<RawValue>>,
}

async fn calls(schemas: &Schemas, request: &ChatRequest, calls: &[ToolCall]) -> Option<Form> {
    let tools: Vec<Tool> = request.get("tools")?;
    let functions: Vec<Function> = tools.into_iter().filter_map(|tool| tool.function).collect();
    if functions.is_empty() {
        return None;
    }
    let mut all = Form::Valid;
    // A call without a function's name is of a kind that only the client knows.
    for call in calls.iter().filter(|call| !call.name.is_empty()) {
        match arguments(schemas, &functions, call).await {
            Form::Invalid => return Some(Form::Invalid),
            Form::Unchecked => all = Form::Unchecked,
            Form::Valid => {}
        }
    }
    Some(all)
}

async fn arguments(schemas: &Schemas, functions: &[Function], call: &ToolCall) -> Form {
    let Some(function) = functions.iter().find(|function| function.name == call.name) else { return Form::Invalid };
    // Some servers write no arguments at all where there are none.
    let text = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
    match (serde_json::from_str(text), &function.parameters) {
        (Err(_), _) => Form::Invalid,
        (Ok(_), None) => Form::Valid,
        (Ok(value), Some(schema)) => of(schemas.fulfils(schema.get(), value).await),
    }
}

fn of(fulfils: Option<bool>) -> Form {
    match fulfils {
        Some(true) => Form::Valid,
        Some(false) => Form::Invalid,
        None => Form::Unchecked,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn judge(request: &Value, answer: &Answer) -> Option<Form> {
        let mut body = json!({"messages": [{"role": "user", "content": "hi"}]});
        for (name, value) in request.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        form(&Schemas::default(), &ChatRequest::parse(body.to_string().as_bytes()).unwrap(), answer).await
    }

    fn said(text: &str) -> Answer {
        Answer { text: text.to_owned(), ..Answer::default() }
    }

    #[tokio::test]
    async fn texts_are_judged_by_the_response_format() {
        let object = json!({"response_format": {"type": "json_object"}});
        let schema = json!({"type": "object", "required": ["a"]});
        let by_schema =
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}});
        for (request, text, expected) in [
            (&object, r#"{"a": 1}"#, Some(Form::Valid)),
            (&object, "[1]", Some(Form::Invalid)),
            (&object, "Sure! {\"a\": 1}", Some(Form::Invalid)),
            (&by_schema, r#"{"a": 1}"#, Some(Form::Valid)),
            (&by_schema, r#"{"b": 1}"#, Some(Form::Invalid)),
            (&by_schema, r#"{"a": 1"#, Some(Form::Invalid)),
            (&by_schema, "```json\n{\"a\": 1}\n```", Some(Form::Invalid)),
            (&json!({"response_format": {"type": "text"}}), "hello", None),
            (
                &json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}),
                "1",
                Some(Form::Unchecked),
            ),
            (
                &json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 7}}}}),
                "1",
                Some(Form::Unchecked),
            ),
            (&json!({"response_format": {}}), "hello", None),
            (&json!({}), "hello", None),
        ] {
            assert_eq!(judge(request, &said(text)).await, expected, "{request} {text}");
        }
    }

    #[tokio::test]
    async fn calls_are_judged_by_the_declared_tools() {
        let parameters = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
        let tools = json!({"tools": [
            {"type": "function", "function": {"name": "count", "parameters": parameters}},
            {"type": "function", "function": {"name": "now"}},
            {"type": "function", "function": {"name": "odd", "parameters": {"type": 7}}},
            {"type": "custom", "custom": {"name": "free"}},
        ]});
        for (calls, expected) in [
            (&[("count", r#"{"n": 3}"#)][..], Form::Valid),
            (&[("count", r#"{"n": "3"}"#)], Form::Invalid),
            (&[("count", r#"{"n": 3"#)], Form::Invalid),
            (&[("count", "")], Form::Invalid),
            (&[("now", "")], Form::Valid),
            (&[("odd", "{}")], Form::Unchecked),
            (&[("odd", "{}"), ("count", "{}")], Form::Invalid),
            (&[("later", "{}")], Form::Invalid),
            (&[("", "")], Form::Valid),
        ] {
            let call = |(name, arguments): &(&str, &str)| ToolCall {
                id: "1".into(),
                name: (*name).to_owned(),
                arguments: (*arguments).to_owned(),
            };
            let answer = Answer { tool_calls: calls.iter().map(call).collect(), ..said("beside it") };
            assert_eq!(judge(&tools, &answer).await, Some(expected), "{calls:?}");
            assert_eq!(judge(&json!({"response_format": {"type": "json_object"}}), &answer).await, None);
        }
    }
}
