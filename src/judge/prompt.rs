//! What the judge is asked, in versioned files, and what it may answer.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::hash::{Salt, digest};
use crate::chat::ChatRequest;

/// A prompt with places to be filled in.
#[derive(Debug, Clone)]
pub struct Prompt {
    system: String,
    user: String,
    /// What its file calls it, and the beginning of the file's hash: a changed file is another version.
    pub version: String,
}

/// What a prompt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To compare two answers.
    Pairwise,
    /// To judge one.
    Rubric,
}

/// The words that a judge has to say for each verdict, and the fence around what it judges: others for every question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// For the first of two answers, or for an acceptable one.
    pub first: String,
    /// For the second of two, or for an unacceptable one.
    pub second: String,
    /// For neither.
    pub tie: String,
    fence: String,
}

/// What a judge said, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Said {
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// One of the words.
    pub verdict: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    system: String,
    user: String,
}

/// Letters of words: no vowels, so that none means anything.
const LETTERS: &[u8; 16] = b"BCDFGHJKLMNPQRST";

/// Letters of a word, and of the fence.
const WORD: usize = 6;
const FENCE: usize = 20;

impl Prompt {
    /// Reads a file, or gives the built-in prompt.
    ///
    /// # Errors
    /// When the file cannot be read, has another shape, lacks a place or has one that nothing is known for.
    pub fn load(usage: Use, file: Option<&Path>) -> Result<Self, String> {
        let Some(file) = file else {
            return Self::parse(
                usage,
                match usage {
                    Use::Pairwise => include_str!("prompts/pairwise.toml"),
                    Use::Rubric => include_str!("prompts/rubric.toml"),
                },
            );
        };
        let fail = |error: &dyn std::fmt::Display| format!("the judge's prompt {}: {error}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| fail(&error))?;
        Self::parse(usage, &text).map_err(|error| fail(&error))
    }

    fn parse(usage: Use, text: &str) -> Result<Self, String> {
        let File { version, system, user } = toml::from_str(text).map_err(|error| error.to_string())?;
        let places: &[&str] = match usage {
            Use::Pairwise => &["request", "first", "second", "call_first", "call_second", "call_tie", "fence"],
            Use::Rubric => &["request", "answer", "call_good", "call_bad", "fence"],
        };
        let found: Vec<&str> = places_of(&system).chain(places_of(&user)).collect();
        if let Some(missing) = places.iter().find(|place| !found.contains(place)) {
            return Err(format!("it has no {{{{{missing}}}}}"));
        }
        if let Some(unknown) = found.iter().find(|place| !places.contains(place)) {
            return Err(format!("nothing is known for {{{{{unknown}}}}}; there are {}", places.join(", ")));
        }
        let hash = hex::encode(&Sha256::digest(text)[..4]);
        Ok(Self { system, user, version: format!("{version}@{hash}") })
    }

    /// The question to a judge. What is filled in is never read for places itself.
    #[must_use]
    pub fn ask(&self, words: &Words, request: &str, answers: [&str; 2]) -> ChatRequest {
        let [first, second] = answers;
        let of = |place: &str| match place {
            "request" => request,
            "first" | "answer" => first,
            "second" => second,
            "call_first" | "call_good" => &words.first,
            "call_second" | "call_bad" => &words.second,
            "call_tie" => &words.tie,
            _ => &words.fence,
        };
        let messages = json!([
            {"role": "system", "content": fill(&self.system, of).trim()},
            {"role": "user", "content": fill(&self.user, of).trim()},
        ]);
        ChatRequest::from_prompt("").with("messages", &messages)
    }
}

impl Words {
    /// The words of one question: `about` names it.
    #[must_use]
    pub fn of(seed: &str, about: &str) -> Self {
        let letters: Vec<char> = (0..)
            .flat_map(|round: u8| digest(seed, Salt::Labels, &format!("{about}/{round}")))
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|digit| LETTERS.get(usize::from(digit)).map(|letter| char::from(*letter)))
            .take(3 * WORD + FENCE)
            .collect();
        let word = |from: usize, count: usize| letters.iter().skip(from).take(count).collect::<String>();
        // The first letters differ, so that no two words are the same.
        Self {
            first: format!("V{}", word(0, WORD)),
            second: format!("W{}", word(WORD, WORD)),
            tie: format!("X{}", word(2 * WORD, WORD)),
            fence: format!("==={}===", word(3 * WORD, FENCE)),
        }
    }

    /// The form that an answer has to have, as `response_format` takes it.
    #[must_use]
    pub fn response_format(&self, usage: Use) -> Value {
        let words: Vec<&str> = match usage {
            Use::Pairwise => vec![&self.first, &self.second, &self.tie],
            Use::Rubric => vec![&self.first, &self.second],
        };
        json!({"type": "json_schema", "json_schema": {"name": "verdict", "strict": true, "schema": {
            "type": "object",
            "properties": {"reason": {"type": "string"}, "verdict": {"type": "string", "enum": words}},
            "required": ["reason", "verdict"],
            "additionalProperties": false,
        }}})
    }
}

impl Said {
    /// Reads a judge's answer: one JSON object, alone or in a code fence. Whatever stands around it makes it nonsense: a judge
    /// that talks instead of judging may be talking to somebody else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let inner = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
        serde_json::from_str(inner.map_or(text, |inner| inner.strip_prefix("json").unwrap_or(inner))).ok()
    }
}

fn places_of(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0))
}

fn fill<'a>(template: &'a str, of: impl Fn(&str) -> &'a str) -> String {
    let mut pieces = template.split("{{");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        if let Some((place, rest)) = piece.split_once("}}") {
            filled.push_str(of(place));
            filled.push_str(rest);
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_with_every_question_and_are_the_same_for_one() {
        let words = Words::of("s", "a/first");
        assert_eq!(words, Words::of("s", "a/first"));
        assert_ne!(words, Words::of("s", "a/last"));
        assert_ne!(words, Words::of("t", "a/first"));
        assert!(words.first.len() == 7 && words.fence.len() == 26, "{words:?}");
    }

    #[test]
    fn what_is_filled_in_is_not_read_for_places() {
        let prompt = Prompt::load(Use::Pairwise, None).unwrap();
        let words = Words::of("s", "a");
        let asked = prompt.ask(&words, "{{first}}", ["{{call_first}}", "two {{"]);
        let text = &asked.get::<Vec<Value>>("messages").unwrap()[1]["content"];
        let text = text.as_str().unwrap();
        assert!(text.contains("{{first}}") && text.contains("{{call_first}}") && text.contains("two {{"), "{text}");
        assert_eq!(text.matches(&words.fence).count(), 6);
        assert!(prompt.version.starts_with("pairwise-1@") && prompt.version.len() == 19, "{}", prompt.version);
    }

    #[test]
    fn a_file_without_a_place_or_with_a_strange_one_is_refused() {
        let file = |user: &str| format!("version = 'v'\nsystem = '{{{{fence}}}}'\nuser = '{user}'");
        let good = "{{request}} {{answer}} {{call_good}} {{call_bad}}";
        assert!(Prompt::parse(Use::Rubric, &file(good)).is_ok());
        let error = |user: &str| Prompt::parse(Use::Rubric, &file(user)).unwrap_err();
        assert!(error("{{request}} {{answer}} {{call_good}}").contains("{{call_bad}}"));
        assert!(error(&format!("{good} {{{{wish}}}}")).contains("{{wish}}"));
        assert!(Prompt::load(Use::Rubric, Some(Path::new("/nowhere"))).unwrap_err().contains("/nowhere"));
    }

    #[test]
    fn only_one_object_with_a_verdict_is_an_answer() {
        let said = Some(Said { reason: "r".to_owned(), verdict: "V".to_owned() });
        for text in [r#"{"reason": "r", "verdict": "V"}"#, "```json\n{\"verdict\": \"V\", \"reason\": \"r\"}\n```"] {
            assert_eq!(Said::parse(text), said);
        }
        for text in
            ["A", "", "{}", r#"Sure: {"verdict": "V"}"#, r#"{"verdict": "V"} {"verdict": "W"}"#, r#"{"verdict": 1}"#]
        {
            assert_eq!(Said::parse(text), None, "{text}");
        }
    }
}
