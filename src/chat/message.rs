//! One message of a conversation, as far as the router reads it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::content::Content;
use super::request::InvalidRequest;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions (`system` and `developer`).
    System,
    /// The person, or the program that speaks for them.
    User,
    /// The model.
    Assistant,
    /// What a tool returned (`tool` and `function`).
    Tool,
}

/// A message: its role, its text and what else it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text parts, joined by newlines; empty for a message that has none.
    pub text: String,
    /// Images, audio or files beside the text.
    pub attachments: usize,
    /// Calls that the assistant made in this message.
    pub tool_calls: usize,
}

impl Message {
    /// A user message of text alone.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, text: text.into(), attachments: 0, tool_calls: 0 }
    }

    /// Reads the `messages` field.
    ///
    /// # Errors
    /// When it is not a non-empty list of objects, or a message has an unknown role or content of another shape.
    pub(super) fn parse_all(raw: &RawValue) -> Result<Vec<Self>, InvalidRequest> {
        let items: Vec<&RawValue> = serde_json::from_str(raw.get())
            .map_err(|_| InvalidRequest::at("messages", "`messages` must be a list of messages"))?;
        if items.is_empty() {
            return Err(InvalidRequest::at("messages", "`messages` is empty: send at least one message"));
        }
        items.iter().enumerate().map(|(i, item)| Self::parse(i, item)).collect()
    }

    fn parse(index: usize, raw: &RawValue) -> Result<Self, InvalidRequest> {
        let wire: WireMessage = serde_json::from_str(raw.get())
            .map_err(|error| InvalidRequest::at(format!("messages[{index}]"), format!("message {index}: {error}")))?;
        let role = match wire.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" | "function" => Role::Tool,
            other => {
                return Err(InvalidRequest::at(
                    format!("messages[{index}].role"),
                    format!("unknown role `{other}`: use system, developer, user, assistant or tool"),
                ));
            }
        };
        let attachments = wire.content.as_ref().map_or(0, Content::attachments);
        let text = wire.content.map(|content| content.text("\n")).unwrap_or_default();
        Ok(Self { role, text, attachments, tool_calls: wire.tool_calls.map_or(0, |calls| calls.len()) })
    }
}

#[derive(Deserialize)]
struct WireMessage {
    role: String,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<serde::de::IgnoredAny>>,
}

#[cfg(test)]
mod tests {
    use super::super::ChatRequest;
    use super::*;

    fn parse(messages: &str) -> Result<Vec<Message>, InvalidRequest> {
        ChatRequest::parse(format!(r#"{{"messages":{messages}}}"#).as_bytes()).map(|r| r.messages().to_vec())
    }

    #[test]
    fn text_parts_are_joined_and_attachments_counted() {
        let messages = parse(
            r#"[{"role":"user","content":[{"type":"text","text":"what is"},{"type":"image_url","image_url":{"url":"u"}},{"type":"text","text":"this?"}]}]"#,
        )
        .unwrap();
        assert_eq!(messages[0].text, "what is\nthis?");
        assert_eq!(messages[0].attachments, 1);
    }

    #[test]
    fn an_assistant_turn_may_have_calls_and_no_content() {
        let messages =
            parse(r#"[{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]},{"role":"tool","content":"4"}]"#)
                .unwrap();
        assert_eq!((messages[0].tool_calls, messages[0].text.as_str()), (1, ""));
        assert_eq!(messages[1].role, Role::Tool);
    }

    #[test]
    fn a_bad_message_is_named_by_its_place() {
        let error = parse(r#"[{"role":"user","content":"a"},{"role":"oracle","content":"b"}]"#).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages[1].role"));
        assert_eq!(parse(r#"[{"content":"a"}]"#).unwrap_err().param.as_deref(), Some("messages[0]"));
        assert_eq!(parse(r#"[{"role":"user","content":7}]"#).unwrap_err().param.as_deref(), Some("messages[0]"));
    }
}
