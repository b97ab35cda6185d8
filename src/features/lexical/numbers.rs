//! Numbers, their sizes and their units.

use std::borrow::Cow;

use super::super::schema::Sink;
use super::{flag, log, rate};

#[derive(Default)]
struct Counts {
    decimals: usize,
    units: usize,
    digits: usize,
    largest: f64,
}

/// Measures the numbers of a text in lower case, of which so many are in its stem.
pub(super) fn measure(lower: &str, numbers: &[Number<'_>], in_stem: usize, sink: &mut impl Sink) {
    let mut counts = Counts::default();
    for number in numbers {
        counts.add(number, &lower[number.start + number.text.len()..]);
    }
    counts.units += lower.bytes().filter(|byte| matches!(byte, b'%' | b'$')).count();
    sink.put("numbers.log_count", log(numbers.len()));
    sink.put("numbers.log_stem_count", log(in_stem));
    sink.put("numbers.any_in_stem", flag(in_stem > 0));
    sink.put("numbers.digit_rate", rate(counts.digits, lower.len()));
    sink.put("numbers.log10_largest", (counts.largest + 1.0).log10() as f32);
    sink.put("numbers.log_decimals", log(counts.decimals));
    sink.put("numbers.log_units", log(counts.units));
}

/// A number in digits.
pub(super) struct Number<'a> {
    /// Where it begins, in bytes.
    pub(super) start: usize,
    text: &'a str,
    /// Its size, at most 10¹²; a number of several points is a version or a date and has none.
    pub(super) value: f64,
}

impl<'a> Number<'a> {
    fn new(start: usize, text: &'a str) -> Self {
        let digits = if text.contains(',') { text.replace(',', "").into() } else { Cow::Borrowed(text) };
        Self { start, text, value: digits.parse().unwrap_or(0.0_f64).min(1e12) }
    }
}

/// The numbers of a text.
pub(super) fn all(text: &str) -> impl Iterator<Item = Number<'_>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(u8::is_ascii_digit)?;
        at = number_end(bytes, start);
        Some(Number::new(start, &text[start..at]))
    })
}

/// Where the number that begins at `start` ends: digits, with a point or comma only between digits.
fn number_end(bytes: &[u8], start: usize) -> usize {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = start;
    while digit(end) || (matches!(bytes.get(end), Some(b'.' | b',')) && digit(end + 1)) {
        end += 1;
    }
    end
}

impl Counts {
    fn add(&mut self, number: &Number<'_>, after: &str) {
        self.digits += number.text.bytes().filter(u8::is_ascii_digit).count();
        self.decimals += usize::from(number.text.contains('.'));
        self.units += usize::from(unit_follows(after));
        self.largest = self.largest.max(number.value);
    }
}

fn unit_follows(after: &str) -> bool {
    let after = after.strip_prefix(' ').unwrap_or(after);
    let end = after.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(after.len());
    matches!(
        &after[..end],
        "kg" | "g"
            | "mg"
            | "m"
            | "cm"
            | "mm"
            | "km"
            | "nm"
            | "s"
            | "ms"
            | "hz"
            | "mol"
            | "j"
            | "kj"
            | "ev"
            | "w"
            | "kw"
            | "v"
            | "a"
            | "n"
            | "pa"
            | "k"
            | "c"
            | "f"
            | "ft"
            | "lb"
            | "in"
            | "l"
            | "ml"
            | "atm"
            | "min"
            | "h"
            | "hour"
            | "hours"
            | "minutes"
            | "seconds"
            | "day"
            | "days"
            | "week"
            | "weeks"
            | "month"
            | "months"
            | "year"
            | "years"
            | "gb"
            | "mb"
            | "kb"
            | "percent"
            | "dollars"
    )
}
