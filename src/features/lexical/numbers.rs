//! Numbers, their sizes and their units.

use super::super::schema::Sink;
use super::{flag, log, rate};

#[derive(Default)]
struct Counts {
    numbers: usize,
    in_stem: usize,
    decimals: usize,
    units: usize,
    digits: usize,
    largest: f64,
}

/// Measures the numbers of a text in lower case, whose stem ends at `stem_end`.
pub(super) fn measure(lower: &str, stem_end: usize, sink: &mut impl Sink) {
    let mut counts = Counts::default();
    let bytes = lower.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_digit() {
            let end = number_end(bytes, at);
            counts.add(&lower[at..end], &lower[end..], at < stem_end);
            at = end;
        } else {
            counts.units += usize::from(matches!(bytes[at], b'%' | b'$'));
            at += 1;
        }
    }
    sink.put("numbers.log_count", log(counts.numbers));
    sink.put("numbers.log_stem_count", log(counts.in_stem));
    sink.put("numbers.any_in_stem", flag(counts.in_stem > 0));
    sink.put("numbers.digit_rate", rate(counts.digits, bytes.len()));
    sink.put("numbers.log10_largest", (counts.largest + 1.0).log10() as f32);
    sink.put("numbers.log_decimals", log(counts.decimals));
    sink.put("numbers.log_units", log(counts.units));
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
    fn add(&mut self, number: &str, after: &str, in_stem: bool) {
        self.numbers += 1;
        self.in_stem += usize::from(in_stem);
        self.digits += number.bytes().filter(u8::is_ascii_digit).count();
        self.decimals += usize::from(number.contains('.'));
        self.units += usize::from(unit_follows(after));
        // A number of several points is a version or a date and has no size.
        let value: f64 = number.replace(',', "").parse().unwrap_or(0.0);
        self.largest = self.largest.max(value.min(1e12));
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
