//! Numbers as people and models write them.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A number with the unit that was written at it, if any.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantity {
    value: f64,
    unit: String,
}

static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^ (?P<sign>[-+])? \s* (?P<currency>[$€£¥])? \s* (?P<inner>[-+])?
        (?P<number> \d{1,3}(?:,\d{3})+(?:\.\d+)? | \d+(?:\.\d*)? | \.\d+ ) (?P<exponent>e[-+]?\d+)?
        (?: \s* / \s* (?P<divisor> \d+(?:\.\d+)? ) )?
        \s* (?P<unit> % | [\p{L}°][\p{L}°²³/\s]{0,30} )? $",
    )
    .ok()
});

static FRACTION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}").ok());

impl Quantity {
    /// Reads a text that is a number and nothing else: thousands commas, fractions, exponents, a currency or a unit.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = plain(text);
        let captures = FORM.as_ref()?.captures(text.trim().trim_end_matches('.').trim())?;
        let part = |name| captures.name(name).map(|part| part.as_str());
        let value = value(&captures)?;
        let unit = part("currency").or(part("unit")).unwrap_or_default().trim().to_owned();
        Some(Self { value, unit })
    }

    /// Whether two quantities are the same: values within a relative 1e-6, and no contradicting units.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let scale = self.value.abs().max(other.value.abs());
        let same_unit = self.unit == other.unit || self.unit.is_empty() || other.unit.is_empty();
        same_unit && (self.value - other.value).abs() <= 1e-6 * scale
    }
}

fn value(captures: &Captures<'_>) -> Option<f64> {
    let part = |name| captures.name(name).map_or("", |part| part.as_str());
    let number: f64 = format!("{}{}", part("number").replace(',', ""), part("exponent")).parse().ok()?;
    let divisor: f64 = match part("divisor") {
        "" => 1.0,
        divisor => divisor.parse().ok()?,
    };
    let negative = part("sign") == "-" || part("inner") == "-";
    let value = if negative { -number / divisor } else { number / divisor };
    value.is_finite().then_some(value)
}

/// Without LaTeX's and Markdown's dress.
fn plain(text: &str) -> String {
    let text = text.trim().trim_matches(['*', '$']).replace('−', "-").replace("\\$", "$").replace("{,}", ",");
    let text = FRACTION.as_ref().map_or_else(|| text.clone(), |form| form.replace_all(&text, "$1/$2").into_owned());
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(a: &str, b: &str) -> bool {
        Quantity::parse(a).unwrap().agrees(&Quantity::parse(b).unwrap())
    }

    #[test]
    fn one_number_has_many_spellings() {
        for (a, b) in [
            ("1,000", "1e3"),
            ("1/2", "0.5"),
            ("\\frac{1}{2}", ".5"),
            ("$1,250.00", "1250"),
            ("-3", "−3"),
            ("42 km", "42"),
            ("**7**", "7."),
            ("$12$", "12"),
            ("50%", "50 %"),
            ("0", "-0"),
        ] {
            assert!(agree(a, b), "{a} = {b}");
        }
    }

    #[test]
    fn different_numbers_and_units_stay_apart() {
        for (a, b) in [("1,000", "1,001"), ("42 km", "42 miles"), ("3", "-3"), ("50%", "50 km"), ("0", "1e-9")] {
            assert!(!agree(a, b), "{a} ≠ {b}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_read_as_one() {
        for text in ["", "two", "1.2.3", "12:30", "2024-01-01", "1/0", "1e999", "1,00", "x = 3", "B"] {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }
}
