//! Judging by a program.

use crate::cascade::agreement::Conclusion;
use crate::cascade::schemas::Schemas;
use crate::config::{RouteJudge, Sameness};

/// Whether an answer is acceptable by the route's own rule; `None` where it has none that needs no other answer, or its schema
/// cannot be applied.
pub(super) async fn alone(rules: &RouteJudge, schemas: &Schemas, answer: &str) -> Option<bool> {
    if let Some(pattern) = &rules.must_match {
        return Some(pattern.is_match(answer));
    }
    match serde_json::from_str(answer.trim()) {
        Ok(value) => schemas.fulfils(rules.schema.as_ref()?.text(), value).await,
        Err(_) => rules.schema.as_ref().map(|_| false),
    }
}

/// Whether two answers are the same; `None` where the one to compare with is not of the kind, and so no measure.
pub(super) fn same(sameness: Sameness, answer: &str, reference: &str) -> Option<bool> {
    if sameness == Sameness::Exact {
        return Some(answer.trim() == reference.trim());
    }
    let of_kind = |conclusion: &Conclusion| match sameness {
        Sameness::Number => matches!(conclusion, Conclusion::Number(_)),
        Sameness::Choice => matches!(conclusion, Conclusion::Choice(_)),
        Sameness::Json | Sameness::Exact => matches!(conclusion, Conclusion::Value(_)),
    };
    let [answer, reference] = [answer, reference].map(Conclusion::of_text);
    // A bare number is JSON, too.
    let is_same = answer.agrees(&reference) && (of_kind(&answer) || sameness == Sameness::Json);
    (of_kind(&reference) || (sameness == Sameness::Json && is_same)).then_some(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_the_same_in_what_matters() {
        for (sameness, answer, reference, expected) in [
            (Sameness::Number, "The answer is 1,000.", "#### 1e3", Some(true)),
            (Sameness::Number, "The answer is 1,001.", "1000", Some(false)),
            (Sameness::Number, "I cannot tell.", "1000", Some(false)),
            (Sameness::Number, "1000", "I cannot tell.", None),
            (Sameness::Choice, "(B)", "The correct answer is (B).", Some(true)),
            (Sameness::Choice, "C", "B", Some(false)),
            (Sameness::Json, "{\"a\":1,\"b\":2}", "```json\n{\"b\":2.0,\"a\":1}\n```", Some(true)),
            (Sameness::Json, "{\"a\":2}", "{\"a\":1}", Some(false)),
            (Sameness::Json, "{\"a\":2", "{\"a\":1}", Some(false)),
            (Sameness::Exact, " yes\n", "yes", Some(true)),
            (Sameness::Exact, "Yes", "yes", Some(false)),
        ] {
            assert_eq!(same(sameness, answer, reference), expected, "{sameness:?} {answer} {reference}");
        }
    }

    #[tokio::test]
    async fn rules_judge_an_answer_by_itself() {
        let rules = |toml: &str| toml::from_str::<RouteJudge>(toml).unwrap();
        let judged = async |toml: &str, answer: &str| alone(&rules(toml), &Schemas::default(), answer).await;
        assert_eq!(judged("must_match = '\\[\\d\\]'", "as [1] says").await, Some(true));
        assert_eq!(judged("must_match = '\\[\\d\\]'", "as it says").await, Some(false));
        let schema = "schema = '{\"type\": \"object\", \"required\": [\"a\"]}'";
        assert_eq!((judged(schema, "{\"a\": 1}").await, judged(schema, "{}").await), (Some(true), Some(false)));
        assert_eq!((judged(schema, "no JSON").await, judged("", "{}").await), (Some(false), None));
    }
}
