//! Features of the conversation around the request: its length, tools, the shape asked of the answer.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::lexical::{flag, log};
use super::schema::Sink;
use crate::chat::{ChatRequest, Role};

/// How far into a tool's result an error is looked for, in bytes.
const ERROR_WINDOW: usize = 300;

/// What a tool's result begins with when the call failed, in lower case.
const ERROR_SIGNS: &[&str] = &[
    "error",
    "exception",
    "traceback",
    "failed",
    "fatal:",
    "panicked",
    "command not found",
    "no such file",
    "permission denied",
    "timed out",
    "\"is_error\":true",
    "\"is_error\": true",
];

/// Measures a request beyond the text of its subject; `request_chars` is the length of the request itself.
pub(super) fn measure(request: &ChatRequest, request_chars: usize, sink: &mut impl Sink) {
    let messages = request.messages();
    let count = |role: Role| messages.iter().filter(|message| message.role == role).count();
    let bytes = |role: Role| messages.iter().filter(|m| m.role == role).map(|m| m.text.len()).sum::<usize>();
    let errors = messages.iter().filter(|m| m.role == Role::Tool && is_error(&m.text)).count();

    sink.put("conversation.log_request_chars", log(request_chars));
    sink.put("conversation.log_user_turns", log(count(Role::User)));
    sink.put("conversation.log_assistant_turns", log(count(Role::Assistant)));
    sink.put("conversation.log_system_bytes", log(bytes(Role::System)));
    sink.put("conversation.log_bytes", log(messages.iter().map(|message| message.text.len()).sum()));
    sink.put("conversation.log_attachments", log(messages.iter().map(|message| message.attachments).sum()));

    sink.put("tools.log_offered", log(request.get::<Vec<IgnoredAny>>("tools").map_or(0, |tools| tools.len())));
    sink.put("tools.log_calls", log(messages.iter().map(|message| message.tool_calls).sum()));
    sink.put("tools.log_results", log(count(Role::Tool)));
    sink.put("tools.log_errors", log(errors));

    let format = request.get::<ResponseFormat>("response_format").map_or_else(String::new, |format| format.kind);
    sink.put("answer.json_schema", flag(format == "json_schema"));
    sink.put("answer.json_object", flag(format == "json_object"));
    sink.put("answer.log_max_tokens", log(max_tokens(request)));
}

#[derive(Deserialize)]
struct ResponseFormat {
    #[serde(rename = "type")]
    kind: String,
}

/// The cap that the client put on the answer; 0 when it put none.
fn max_tokens(request: &ChatRequest) -> usize {
    request.get("max_completion_tokens").or_else(|| request.get("max_tokens")).unwrap_or(0)
}

fn is_error(result: &str) -> bool {
    let (head, _) = super::subject::ends(result, ERROR_WINDOW);
    let head = head.to_ascii_lowercase();
    ERROR_SIGNS.iter().any(|sign| head.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::super::schema::Values;
    use super::*;

    fn features(body: &str) -> Vec<(&'static str, f32)> {
        struct Named(Vec<(&'static str, f32)>);
        impl Sink for Named {
            fn put(&mut self, name: &'static str, value: f32) {
                self.0.push((name, value));
            }
        }
        let mut named = Named(Vec::new());
        measure(&ChatRequest::parse(body.as_bytes()).unwrap(), 7, &mut named);
        named.0
    }

    #[test]
    fn tools_their_errors_and_the_answers_shape_are_counted() {
        let found = features(
            r#"{"messages":[
                {"role":"system","content":"You are a build agent."},
                {"role":"user","content":[{"type":"text","text":"Run it"},{"type":"image_url","image_url":{"url":"u"}}]},
                {"role":"assistant","content":null,"tool_calls":[{"id":"1"},{"id":"2"}]},
                {"role":"tool","content":"Error: exit code 101"},
                {"role":"tool","content":"42 tests passed"}],
              "tools":[{"type":"function"},{"type":"function"},{"type":"function"}],
              "response_format":{"type":"json_schema","json_schema":{}},"max_tokens":99}"#,
        );
        let value = |name: &str| found.iter().find(|(n, _)| *n == name).map(|(_, value)| *value).unwrap();
        assert_eq!(value("tools.log_offered"), 4.0_f32.ln());
        assert_eq!(value("tools.log_calls"), 3.0_f32.ln());
        assert_eq!(value("tools.log_results"), 3.0_f32.ln());
        assert_eq!(value("tools.log_errors"), 2.0_f32.ln());
        assert_eq!(value("conversation.log_attachments"), 2.0_f32.ln());
        assert_eq!(value("conversation.log_request_chars"), 8.0_f32.ln());
        assert_eq!((value("answer.json_schema"), value("answer.json_object")), (1.0, 0.0));
        assert!((value("answer.log_max_tokens") - 100.0_f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn fields_of_odd_shapes_do_no_harm() {
        let mut values = Values::default();
        let body = br#"{"messages":[{"role":"user","content":"x"}],"response_format":{"type":7},"max_tokens":"many"}"#;
        measure(&ChatRequest::parse(body).unwrap(), 1, &mut values);
        assert!(values.0.iter().all(|value| value.is_finite()));
    }
}
