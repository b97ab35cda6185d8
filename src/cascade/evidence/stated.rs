//! The number that an answer says of its own certainty.

use std::sync::LazyLock;

use regex::Regex;

/// The last stated confidence, in [0, 1]: "90 % sure", "confidence: 0.8", "Confidence level is 7/10".
pub(super) fn confidence(text: &str) -> Option<f64> {
    let last = STATED.as_ref()?.captures_iter(text).last()?;
    let group = |i: usize| last.get(i).map(|found| found.as_str());
    let value: f64 = group(1).or(group(3))?.parse().ok()?;
    let share = match group(2).or(group(4)).map(str::trim) {
        Some("%") => value / 100.0,
        Some(_) => value / 10.0,
        None => value,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

static STATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let number = r"(\d{1,3}(?:\.\d{1,4})?)";
    Regex::new(&format!(
        r"(?i)\b{number}\s*(%)\s*(?:sure|certain|confident)\b|\bconfidence(?:\s+(?:level|score))?\**\s*(?:is|of|:|=)\**\s*{number}(\s*%|\s*/\s*10\b)?"
    ))
    .ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_certainty_are_read_and_others_are_not() {
        assert!(STATED.is_some());
        for (text, expected) in [
            ("B. I am 90% sure.", Some(0.9)),
            ("Paris\n**Confidence:** 0.85", Some(0.85)),
            ("Confidence level is 7/10", Some(0.7)),
            ("confidence: 60 %\nNo, confidence: 20 %", Some(0.2)),
            ("confidence: 95", None),
            ("A 95 % confidence interval of 3 to 5", None),
            ("About 40 % of the cells", None),
            ("自信：九成", None),
            ("", None),
        ] {
            assert_eq!(confidence(text), expected, "{text}");
        }
    }
}
