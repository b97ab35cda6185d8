//! How long an upstream asks callers to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Reads `retry-after-ms` (OpenAI, Azure) or `retry-after`, in seconds or as a date. What cannot be read counts as not
/// said; a date in the past is no time at all.
pub(crate) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str, unit: f64| {
        let seconds = text.parse::<f64>().ok()? * unit;
        // More than a day is as good as for ever, and far from what a duration can hold.
        (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
    };
    text("retry-after-ms").and_then(|text| number(text, 1e-3)).or_else(|| {
        let said = text(RETRY_AFTER.as_str())?;
        number(said, 1.0).or_else(|| {
            let date = httpdate::parse_http_date(said).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &'static str, value: &str) -> Option<Duration> {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        read(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]), now)
    }

    #[test]
    fn seconds_milliseconds_and_dates() {
        assert_eq!(said("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(said("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(said("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(said("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(said("retry-after", "Sun, 06 Nov 1994 08:40:00 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn nonsense_is_not_said() {
        for nonsense in ["", "soon", "-1", "NaN", "Sun, 06 Nov"] {
            assert_eq!(said("retry-after", nonsense), None, "{nonsense}");
        }
        assert_eq!(said("retry-after", "1e300"), Some(Duration::from_secs(86_400)));
        assert_eq!(said("retry-after", "inf"), Some(Duration::from_secs(86_400)));
    }
}
