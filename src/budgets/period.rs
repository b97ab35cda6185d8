//! Days and months of budgets.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit};

use crate::config::Period;

impl Period {
    /// What a count is called that begins with the present day or month, in UTC.
    pub(super) fn name(self, at: Timestamp) -> String {
        let now = at.to_zoned(TimeZone::UTC);
        match self {
            Self::Day => now.strftime("%F").to_string(),
            Self::Month => now.strftime("%Y-%m").to_string(),
            Self::Ever => "ever".to_owned(),
        }
    }

    /// Until the count begins anew; `None` where it never does.
    pub(super) fn left(self, at: Timestamp) -> Option<Duration> {
        let now = at.to_zoned(TimeZone::UTC);
        let next = match self {
            Self::Day => now.date().checked_add(1.day()).ok()?,
            Self::Month => now.date().first_of_month().checked_add(1.month()).ok()?,
            Self::Ever => return None,
        };
        let next = next.to_zoned(TimeZone::UTC).ok()?;
        let seconds = now.until(&next).ok()?.total(Unit::Second).ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// How long a count is kept after its last change.
    pub(super) fn keep(self) -> Option<Duration> {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        match self {
            Self::Day => Some(days(2)),
            Self::Month => Some(days(32)),
            Self::Ever => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_are_those_of_utc() {
        let at: Timestamp = "2026-12-31T23:59:30Z".parse().unwrap();
        assert_eq!((Period::Day.name(at), Period::Month.name(at)), ("2026-12-31".to_owned(), "2026-12".to_owned()));
        assert_eq!(Period::Day.left(at), Some(Duration::from_secs(30)));
        assert_eq!(Period::Month.left(at), Some(Duration::from_secs(30)));
        let middle: Timestamp = "2026-02-15T00:00:00Z".parse().unwrap();
        assert_eq!(Period::Month.left(middle), Some(Duration::from_secs(14 * 86_400)));
        assert_eq!((Period::Ever.left(at), Period::Ever.name(at).as_str()), (None, "ever"));
    }
}
