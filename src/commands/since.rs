//! How long ago, or since when.

use jiff::{Span, Timestamp, Zoned};

/// Reads `7d`, `36h` or a time such as `2026-11-01T00:00:00Z`.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let ago = text.parse::<Span>().ok().filter(|span| span.is_positive());
    let since = ago.and_then(|ago| Zoned::now().checked_sub(ago).ok());
    since.map(|since| since.timestamp()).ok_or_else(|| "must be like 7d, 36h or 2026-11-01T00:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_span_is_counted_back_from_now() {
        let ago = |text: &str| Timestamp::now().duration_since(parse(text).unwrap());
        let is = |text: &str, hours: i64| {
            (ago(text) - SignedDuration::from_hours(hours)).abs() < SignedDuration::from_hours(2)
        };
        assert!(is("7d", 168) && is("36h", 36) && is("2w", 336));
        assert_eq!(parse("2026-11-01T00:00:00Z"), Ok("2026-11-01T00:00:00Z".parse().unwrap()));
        for wrong in ["", "7", "-7d", "yesterday", "2026-11-01"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
