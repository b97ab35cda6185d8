//! When a delivery is tried again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The longest pause that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(86_400);

/// By how much a pause is lengthened at most, so that deliveries that failed together do not come back together.
const JITTER: f64 = 0.2;

/// When the next attempt is due after so many; `None` where none is left. `asked` is what the receiver's Retry-After says, and
/// `chance` is in [0, 1).
#[must_use]
pub(in crate::alert) fn next(
    pauses: &[f64],
    attempts: usize,
    asked: Option<Duration>,
    chance: f64,
    now: Timestamp,
) -> Option<Timestamp> {
    let pause = Duration::try_from_secs_f64(pauses.get(attempts)? * (1.0 + JITTER * chance)).ok()?;
    let pause = pause.max(asked.unwrap_or_default().min(LONGEST_ASKED));
    now.checked_add(SignedDuration::try_from(pause).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_are_jittered_and_end() {
        let pauses = [0.0, 5.0, 300.0];
        let after = |attempts, asked, chance| {
            let next = next(&pauses, attempts, asked, chance, Timestamp::UNIX_EPOCH);
            next.map(|at| at.as_millisecond())
        };
        assert_eq!(
            (after(0, None, 0.9), after(1, None, 0.0), after(1, None, 0.5)),
            (Some(0), Some(5_000), Some(5_500))
        );
        assert_eq!(after(3, None, 0.0), None);
        assert_eq!(after(1, Some(Duration::from_secs(60)), 0.5), Some(60_000), "what the receiver asks for is kept");
        assert_eq!(after(2, Some(Duration::from_secs(60)), 0.0), Some(300_000));
        assert_eq!(after(1, Some(Duration::MAX), 0.0), Some(86_400_000));
    }
}
