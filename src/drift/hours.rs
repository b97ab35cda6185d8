//! Cost or latency against the same hour of the week.
//!
//! Each hour's figure is held against the mean of the same hour of the weeks before (Monday 00:00 UTC is the first of 168): the
//! log-ratio. An hour more than the tolerated change above counts as a failure of one e-detector, one below as a failure of the
//! other, both with a tolerated rate of one half: a sign test, which asks nothing of how the figure is distributed, only that
//! while nothing has changed no hour is likelier than not to lie that far off.
//!
//! Source: the sign test (Arbuthnott 1710; Conover, "Practical Nonparametric Statistics", 3.4), made sequential by [`Rate`].

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::rate::{Change, Limits, Moved, Null, Rate};

/// One figure, hour by hour.
///
/// ```
/// use rungs::drift::Change;
/// use rungs::drift::hours::{Direction, Hours};
///
/// let mut cost = Hours::new(0.2, 1_000.0);
/// let (week, hours) = (168, 2 * 168);
/// let told = (0..hours).flat_map(|hour: i64| {
///     // From the second week on each request costs one and a half times as much.
///     let usd = if hour < week { 0.01 } else { 0.015 };
///     let at = jiff::Timestamp::from_second(hour * 3_600).unwrap();
///     (0..30).flat_map(|_| cost.observe(usd, at)).map(|told| (hour - week, told)).collect::<Vec<_>>()
/// });
/// let (delay, (direction, change)) = told.into_iter().next().unwrap();
/// assert!((1..=24).contains(&delay) && direction == Direction::Up);
/// assert!(matches!(change, Change::Raised(moved) if (moved.to / moved.from - 1.5).abs() < 1e-9));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hours {
    tolerated: f64,
    /// The hour under way: its number since 1970, requests and the sum of the figure.
    hour: i64,
    requests: u64,
    sum: f64,
    /// For each hour of the week the mean of the logarithms and how many weeks it is of.
    usual: Vec<(f64, u32)>,
    up: Rate,
    down: Rate,
}

/// Which way a figure has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It has risen.
    Up,
    /// It has fallen.
    Down,
}

/// Hours with fewer requests tell nothing.
const FEWEST: u64 = 20;

/// Weeks that a mean goes back, about.
const WEEKS: u32 = 4;

/// Rates of hours off, once something has changed.
const ALTERNATIVES: [f64; 3] = [0.7, 0.85, 0.97];

impl Hours {
    /// Nothing was seen yet. `tolerated` is a share, such as .2; `run_length` is in hours, for each direction.
    #[must_use]
    pub fn new(tolerated: f64, run_length: f64) -> Self {
        let rate = || Rate::new(Limits { null: Null::Fixed(0.5), run_length, rates: ALTERNATIVES.to_vec() });
        Self { tolerated, hour: 0, requests: 0, sum: 0.0, usual: vec![(0.0, 0); 168], up: rate(), down: rate() }
    }

    /// Takes the figure of a request that ended then; what comes late counts to the hour under way. Gives what the hour before
    /// told, if this one begins a new hour.
    pub fn observe(&mut self, figure: f64, ended: Timestamp) -> Vec<(Direction, Change)> {
        if !figure.is_finite() || figure <= 0.0 {
            return Vec::new();
        }
        let hour = ended.as_second().div_euclid(3_600);
        let told = if hour > self.hour { self.close(hour) } else { Vec::new() };
        self.requests += 1;
        self.sum += figure;
        told
    }

    fn close(&mut self, next: i64) -> Vec<(Direction, Change)> {
        let (hour, requests) = (self.hour, self.requests);
        let mean = self.sum / requests.max(1) as f64;
        (self.hour, self.requests, self.sum) = (next, 0, 0.0);
        let Some(begun) = Timestamp::from_second(hour * 3_600).ok().filter(|_| requests >= FEWEST) else {
            return Vec::new();
        };
        let stands = self.up.is_alarmed() || self.down.is_alarmed();
        let Some((usual, weeks)) = self.usual.get_mut(hour_of_week(begun)) else { return Vec::new() };
        let before = (*usual, *weeks);
        // What is normal is not learned from hours of which an alarm stands.
        if !stands {
            *weeks = (*weeks + 1).min(WEEKS);
            *usual += (mean.ln() - *usual) / f64::from(*weeks);
        }
        if before.1 == 0 {
            return Vec::new();
        }
        self.judge(mean, before.0, requests, begun)
    }

    fn judge(&mut self, mean: f64, usual: f64, requests: u64, begun: Timestamp) -> Vec<(Direction, Change)> {
        let (ratio, limit) = (mean.ln() - usual, self.tolerated.ln_1p());
        let changes = [
            (Direction::Up, self.up.observe(f64::from(ratio > limit), begun)),
            (Direction::Down, self.down.observe(f64::from(ratio < -limit), begun)),
        ];
        let figures =
            |moved: Moved| Moved { from: usual.exp(), to: mean, interval: [mean, mean], samples: requests, ..moved };
        let told = changes.into_iter().filter_map(|(direction, change)| {
            Some(match change? {
                Change::Raised(moved) => (direction, Change::Raised(figures(moved))),
                Change::Cleared => (direction, Change::Cleared),
            })
        });
        told.collect()
    }

    /// Hours of the week of which the usual figure is known.
    #[must_use]
    pub fn known(&self) -> usize {
        self.usual.iter().filter(|(_, weeks)| *weeks > 0).count()
    }

    /// The rate of hours that lie too far off this way.
    #[must_use]
    pub fn rate(&self, direction: Direction) -> &Rate {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    /// Ends an alarm that somebody has seen to: the usual is learned anew.
    pub fn acknowledge(&mut self) {
        self.usual.fill((0.0, 0));
        self.up.acknowledge();
        self.down.acknowledge();
    }
}

fn hour_of_week(at: Timestamp) -> usize {
    let zoned = at.to_zoned(TimeZone::UTC);
    let days = zoned.weekday().since(Weekday::Monday);
    usize::try_from(i32::from(days) * 24 + i32::from(zoned.hour())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// Hours until an alarm, in a week-shaped figure with noise that is `factor` times as large from the fifth week on.
    fn hours(seed: u64, noise: f64, factor: f64, weeks: i64) -> Option<(i64, Direction)> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut figure = Hours::new(0.2, 1_000.0);
        let monday: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        (0..weeks * 168).find_map(|hour| {
            let at = monday + hour.hours();
            let busy = if hour % 24 < 8 { 1.0 } else { 3.0 };
            let level = busy * (noise * (rng.random::<f64>() - 0.5)).exp() * if hour >= 4 * 168 { factor } else { 1.0 };
            let told = (0..FEWEST).flat_map(|_| figure.observe(level, at)).collect::<Vec<_>>();
            let raised = told.into_iter().find(|(_, change)| matches!(change, Change::Raised(_)));
            raised.map(|(direction, _)| (hour - 4 * 168, direction))
        })
    }

    #[test]
    fn a_change_is_found_within_a_day_whichever_way_it_goes() {
        for seed in 0..10 {
            let (delay, direction) = hours(seed, 0.2, 1.6, 6).unwrap();
            assert!((1..=24).contains(&delay) && direction == Direction::Up, "{delay}");
            assert!(matches!(hours(seed, 0.2, 0.6, 6), Some((1..=24, Direction::Down))));
        }
    }

    #[test]
    fn days_and_nights_are_no_change_and_a_small_one_is_tolerated() {
        for seed in 0..5 {
            assert_eq!(hours(seed, 0.2, 1.0, 10), None);
            assert_eq!(hours(seed, 0.1, 1.1, 10), None);
        }
    }

    #[test]
    fn false_alarms_are_as_rare_as_configured_where_every_other_hour_is_off() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut hours = Hours::new(0.2, 200.0);
        let mut alarms = 0;
        for i in 0..20_000_i64 {
            let figure = if rng.random_bool(0.5) { 1.3 } else { 1.0 };
            let begun = Timestamp::from_second(i * 3_600).unwrap();
            let raised = |(_, change): &(Direction, Change)| matches!(change, Change::Raised(_));
            let raised = hours.judge(figure, 0.0, 100, begun).iter().filter(|told| raised(told)).count();
            alarms += raised;
            if raised > 0 {
                hours.up.acknowledge();
                hours.down.acknowledge();
            }
        }
        assert!(alarms <= 100, "{alarms} in 20,000 hours");
    }
}
