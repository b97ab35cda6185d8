//! What a request needs of a model beside words.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::ChatRequest;
use crate::config::TierConfig;
use crate::dialect::Dialect;

/// Something that not every model or server can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Reads images.
    Vision,
    /// Listens to audio.
    Audio,
    /// Reads files.
    Files,
    /// Calls tools.
    Tools,
    /// Keeps to a JSON schema.
    JsonSchema,
    /// Tells log-probabilities.
    Logprobs,
    /// Gives several choices.
    Choices,
}

impl Capability {
    /// Its name in the configuration and in errors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vision => "vision",
            Self::Audio => "audio",
            Self::Files => "files",
            Self::Tools => "tools",
            Self::JsonSchema => "json_schema",
            Self::Logprobs => "logprobs",
            Self::Choices => "choices",
        }
    }
}

/// What a request cannot do without; empty for plain text.
#[must_use]
pub fn needs(request: &ChatRequest) -> Vec<Capability> {
    let mut needs = Vec::new();
    if request.messages().iter().any(|message| message.attachments > 0) {
        let messages: Value = request.get("messages").unwrap_or_default();
        let parts = messages.as_array().into_iter().flatten().filter_map(|message| message["content"].as_array());
        for part in parts.flatten() {
            let need = match part["type"].as_str() {
                Some("image_url") => Capability::Vision,
                Some("input_audio") => Capability::Audio,
                Some("file") => Capability::Files,
                _ => continue,
            };
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
    }
    let fields = [
        (Capability::Tools, request.get("tools").is_some_and(|tools: Vec<Value>| !tools.is_empty())),
        (Capability::JsonSchema, request.get("response_format").is_some_and(|f: Value| f["type"] == "json_schema")),
        (Capability::Logprobs, request.get("logprobs").unwrap_or(false)),
        (Capability::Choices, request.get("n").unwrap_or(1_u32) > 1),
    ];
    needs.extend(fields.into_iter().filter(|(_, needed)| *needed).map(|(need, _)| need));
    needs
}

/// Whether a tier can do all of it: what the configuration says that it lacks, and what its dialect has no words for.
#[must_use]
pub fn can(tier: &TierConfig, needs: &[Capability]) -> bool {
    let unspoken: &[Capability] = match tier.kind {
        Dialect::Anthropic => &[Capability::Audio, Capability::Logprobs, Capability::Choices],
        Dialect::OpenAi | Dialect::Responses => &[],
    };
    !needs.iter().any(|need| tier.lacks.contains(need) || unspoken.contains(need))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &str) -> Vec<Capability> {
        let body = format!(r#"{{"messages":[{{"role":"user","content":"hi"}}]{fields}}}"#);
        needs(&ChatRequest::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn each_need_is_seen() {
        assert_eq!(of(""), []);
        assert_eq!(of(r#","tools":[]"#), []);
        assert_eq!(of(r#","tools":[{}],"n":2"#), [Capability::Tools, Capability::Choices]);
        assert_eq!(of(r#","response_format":{"type":"json_object"}"#), []);
        assert_eq!(
            of(r#","response_format":{"type":"json_schema"},"logprobs":true"#),
            [Capability::JsonSchema, Capability::Logprobs]
        );
        let parts = r#"[{"type":"text","text":"a"},{"type":"image_url"},{"type":"image_url"},{"type":"file"},{"type":"input_audio"}]"#;
        let body = format!(r#"{{"messages":[{{"role":"user","content":{parts}}}]}}"#);
        let seen = needs(&ChatRequest::parse(body.as_bytes()).unwrap());
        assert_eq!(seen, [Capability::Vision, Capability::Files, Capability::Audio]);
    }

    #[test]
    fn a_tier_lacks_what_is_said_and_what_its_dialect_cannot_say() {
        let tier = |more: &str| {
            let toml = format!("name = 't'\nmodel = 'm'\nbase_url = 'http://h'\n{more}");
            toml::from_str::<TierConfig>(&toml).unwrap()
        };
        let blind = tier("lacks = ['vision', 'json_schema']");
        assert!(can(&blind, &[Capability::Tools]) && !can(&blind, &[Capability::Tools, Capability::Vision]));
        let claude = tier("kind = 'anthropic'");
        assert!(can(&claude, &[Capability::Vision]) && !can(&claude, &[Capability::Choices]));
    }
}
