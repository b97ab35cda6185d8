//! One line → one labelled query.

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::Fault;
use super::fields::Fields;
use super::{LabelledQuery, Prompt, RecordedOutcome};
use crate::chat::ChatRequest;

const IN_UNIT: &str = "a number in [0, 1]";
const NOT_NEGATIVE: &str = "a number that is not negative";
const WHOLE: &str = "a whole number that is not negative";

/// Reads a row; keys that it does not know are ignored.
pub(super) fn parse(line: &[u8]) -> Result<LabelledQuery, Fault> {
    let line = std::str::from_utf8(line)
        .map_err(|error| Fault::row(format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1)))?;
    let row = Fields::of_line(line)?;
    let text = |name| row.get::<String>(name, "a string");
    Ok(LabelledQuery {
        id: text("id")?.ok_or_else(|| row.missing("id", "a string"))?,
        request: request(&row)?,
        route: text("route")?,
        domain: text("domain")?,
        group: text("group")?,
        split: text("split")?,
        weight: row.number("weight", NOT_NEGATIVE, |x| x >= 0.0)?.unwrap_or(1.0),
        outcomes: outcomes(&row)?,
    })
}

/// Reads a row that need not have an `id` or outcomes.
pub(super) fn prompt(line: &[u8]) -> Result<Prompt, Fault> {
    let line = std::str::from_utf8(line)
        .map_err(|error| Fault::row(format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1)))?;
    let row = Fields::of_line(line)?;
    let text = |name| row.get::<String>(name, "a string");
    let request = request(&row)?;
    if request.messages().iter().all(|message| message.text.trim().is_empty() && message.attachments == 0) {
        return Err(Fault::field("prompt", "must not be empty"));
    }
    Ok(Prompt { id: text("id")?, request, route: text("route")?, group: text("group")? })
}

fn request(row: &Fields<'_>) -> Result<ChatRequest, Fault> {
    let mut request = match (row.raw("messages"), row.get::<String>("prompt", "a string")?) {
        (Some(messages), _) => conversation(messages)?,
        (None, Some(prompt)) => ChatRequest::from_prompt(&prompt),
        (None, None) => return Err(Fault::field("prompt", "neither `prompt` nor `messages` is given")),
    };
    if let Some(tools) = row.get::<Vec<Value>>("tools", "a list")? {
        request = request.with("tools", &Value::Array(tools));
    }
    if let Some(format) = row.get::<serde_json::Map<String, Value>>("response_format", "an object")? {
        request = request.with("response_format", &Value::Object(format));
    }
    Ok(request)
}

fn conversation(messages: &RawValue) -> Result<ChatRequest, Fault> {
    let body = format!("{{\"messages\":{}}}", messages.get());
    ChatRequest::parse(body.as_bytes())
        .map_err(|error| Fault::field(error.param.unwrap_or_else(|| "messages".to_owned()), error.message))
}

fn outcomes(row: &Fields<'_>) -> Result<IndexMap<String, RecordedOutcome>, Fault> {
    let expected = "an object with what at least one tier made of the query";
    let raw: IndexMap<String, &RawValue> =
        row.get("outcomes", expected)?.ok_or_else(|| row.missing("outcomes", expected))?;
    if raw.is_empty() {
        return Err(row.fault("outcomes", expected, "empty"));
    }
    raw.into_iter()
        .map(|(tier, raw)| {
            let outcome = outcome(&Fields::of_object(&format!("outcomes.{tier}"), raw)?)?;
            Ok((tier, outcome))
        })
        .collect()
}

fn outcome(fields: &Fields<'_>) -> Result<RecordedOutcome, Fault> {
    let in_unit = |x: f64| (0.0..=1.0).contains(&x);
    let not_negative = |x: f64| x >= 0.0;
    let any = |_| true;
    let outcome = RecordedOutcome {
        score: fields.number("score", IN_UNIT, in_unit)?.ok_or_else(|| fields.missing("score", IN_UNIT))?,
        cost_usd: fields.number("cost_usd", NOT_NEGATIVE, not_negative)?,
        input_tokens: fields.get("input_tokens", WHOLE)?,
        output_tokens: fields.get("output_tokens", WHOLE)?,
        latency_ms: fields.number("latency_ms", NOT_NEGATIVE, not_negative)?,
        answer: fields.get("answer", "a string")?,
        logprob: fields.number("logprob", "a number", any)?,
        token_logprobs: fields.numbers("token_logprobs", "a list of numbers", any)?,
        top_logprobs: fields.get("top_logprobs", "a list of objects from token to log-probability")?,
        samples: fields.get("samples", "a list of strings")?,
        sample_scores: fields.numbers("sample_scores", "a list of numbers in [0, 1]", in_unit)?,
    };
    if let (Some(samples), Some(scores)) = (&outcome.samples, &outcome.sample_scores)
        && samples.len() != scores.len()
    {
        let expected = format!("as long as `samples` ({})", samples.len());
        return Err(fields.fault("sample_scores", &expected, &scores.len().to_string()));
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> (Option<String>, String) {
        let fault = parse(line.as_bytes()).unwrap_err();
        (fault.field, fault.reason)
    }

    fn with_outcome(outcome: &str) -> String {
        format!(r#"{{"id":"q","prompt":"p","outcomes":{{"m":{outcome}}}}}"#)
    }

    #[test]
    fn a_full_row_is_read_and_unknown_keys_are_ignored() {
        let query = parse(
            br#"{"id":"q","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function"}],"group":"g","weight":2,
                "future":1,"outcomes":{"m":{"score":0.5,"cost_usd":0.1,"input_tokens":3,"answer":"B","token_logprobs":[-0.1],
                "top_logprobs":[{"B":-0.1}],"samples":["B","C"],"sample_scores":[0,1],"future":null}}}"#,
        )
        .unwrap();
        assert_eq!((query.cluster(), query.weight, query.request.tools().len()), ("g", 2.0, 1));
        let outcome = &query.outcomes["m"];
        assert_eq!((outcome.score, outcome.input_tokens), (0.5, Some(3)));
        assert_eq!(outcome.top_logprobs.as_ref().unwrap()[0]["B"], -0.1);
    }

    #[test]
    fn faults_name_their_field() {
        for (line, field) in [
            (r#"{"prompt":"p","outcomes":{"m":{"score":1}}}"#.to_owned(), "id"),
            (r#"{"id":7,"prompt":"p","outcomes":{"m":{"score":1}}}"#.to_owned(), "id"),
            (r#"{"id":"q","outcomes":{"m":{"score":1}}}"#.to_owned(), "prompt"),
            (r#"{"id":"q","messages":[],"outcomes":{"m":{"score":1}}}"#.to_owned(), "messages"),
            (r#"{"id":"q","messages":[{"role":"x"}],"outcomes":{"m":{"score":1}}}"#.to_owned(), "messages[0].role"),
            (r#"{"id":"q","prompt":"p"}"#.to_owned(), "outcomes"),
            (r#"{"id":"q","prompt":"p","outcomes":{}}"#.to_owned(), "outcomes"),
            (r#"{"id":"q","prompt":"p","outcomes":[1]}"#.to_owned(), "outcomes"),
            (r#"{"id":"q","prompt":"p","weight":-1,"outcomes":{"m":{"score":1}}}"#.to_owned(), "weight"),
            (with_outcome("1"), "outcomes.m"),
            (with_outcome("{}"), "outcomes.m.score"),
            (with_outcome(r#"{"score":null}"#), "outcomes.m.score"),
            (with_outcome(r#"{"score":1.5}"#), "outcomes.m.score"),
            (with_outcome(r#"{"score":"good"}"#), "outcomes.m.score"),
            (with_outcome(r#"{"score":NaN}"#), "score"),
            (with_outcome(r#"{"score":-Infinity}"#), "score"),
            (with_outcome(r#"{"score":1,"cost_usd":-0.1}"#), "outcomes.m.cost_usd"),
            (with_outcome(r#"{"score":1,"input_tokens":-3}"#), "outcomes.m.input_tokens"),
            (with_outcome(r#"{"score":1,"samples":["a"],"sample_scores":[1,0]}"#), "outcomes.m.sample_scores"),
        ] {
            assert_eq!(fault(&line).0.as_deref(), Some(field), "{line}");
        }
    }

    #[test]
    fn malformed_lines_say_where() {
        assert!(fault(r#"{"id":"q","prompt""#).1.contains("malformed JSON"));
        assert!(fault("[1]").1.contains("must be a JSON object"));
        assert!(fault(&with_outcome(r#"{"score":NaN}"#)).1.contains("NaN"));
        assert!(parse(b"{\"id\":\"\xff\"}").unwrap_err().reason.contains("invalid UTF-8 at byte 8"));
    }
}
