//! Which share of the false alarms each level of each family gets: of those that count the same thing, one in all.

use super::key::Family;
use super::levels::Level;
use crate::config::DriftConfig;

/// What a family counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Judged answers.
    Judged,
    /// Scores of the anchor set.
    Anchors,
    /// Requests, or calls.
    Requests,
    /// Hours.
    Hours,
}

/// Family, level and share of the family's unit. Cost, latency and novelty count both directions, or lines, as one.
pub const SHARES: [(Family, Level, f64); 19] = [
    (Family::Quality, Level::All, 0.5),
    (Family::Quality, Level::Route, 0.125),
    (Family::Quality, Level::Tier, 0.125),
    (Family::Quality, Level::Tenant, 0.125),
    (Family::Calibration, Level::All, 0.125),
    (Family::Judge, Level::All, 1.0),
    (Family::Inputs, Level::All, 0.2),
    (Family::Inputs, Level::Route, 0.1),
    (Family::Inputs, Level::Tenant, 0.1),
    (Family::Novelty, Level::All, 0.1),
    (Family::Escalation, Level::All, 0.1),
    (Family::Escalation, Level::Route, 0.1),
    (Family::Economics, Level::All, 0.05),
    (Family::Economics, Level::Route, 0.05),
    (Family::Upstream, Level::Tier, 0.2),
    (Family::Cost, Level::All, 0.25),
    (Family::Cost, Level::Route, 0.25),
    (Family::Latency, Level::All, 0.25),
    (Family::Latency, Level::Tier, 0.25),
];

impl Family {
    /// What it counts.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Quality | Self::Calibration => Unit::Judged,
            Self::Judge => Unit::Anchors,
            Self::Inputs | Self::Novelty | Self::Escalation | Self::Economics | Self::Upstream => Unit::Requests,
            Self::Cost | Self::Latency => Unit::Hours,
        }
    }

    /// The levels that it is watched at.
    pub fn levels(self) -> impl Iterator<Item = Level> {
        SHARES.iter().filter(move |(family, ..)| *family == self).map(|(_, level, _)| *level)
    }

    /// The run length of its monitors at this level, in its unit. `place` is the monitor's among those of its level, from 1,
    /// which matters to hours alone.
    #[must_use]
    pub fn run_length(self, level: Level, place: usize, config: &DriftConfig) -> f64 {
        let share = SHARES.iter().find(|(family, at, _)| *family == self && *at == level).map_or(0.0, |found| found.2);
        let whole = match self.unit() {
            Unit::Judged => config.run_length_judged,
            Unit::Anchors => config.run_length_anchors,
            Unit::Requests => config.run_length_requests,
            // Half of the share for each direction.
            Unit::Hours => 2.0 * config.run_length_hours * spread(level, place),
        };
        whole / share
    }
}

/// 1 over the part of its level's share that the `place`-th monitor gets: 6/(π²·place²), which add up to 1.
fn spread(level: Level, place: usize) -> f64 {
    let square = (place as f64).powi(2);
    if level == Level::All { 1.0 } else { std::f64::consts::PI.powi(2) / 6.0 * square }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitors_of_one_unit_have_no_more_false_alarms_than_one_would() {
        let config = DriftConfig::default();
        for (unit, whole) in [
            (Unit::Judged, config.run_length_judged),
            (Unit::Anchors, config.run_length_anchors),
            (Unit::Requests, config.run_length_requests),
            (Unit::Hours, config.run_length_hours),
        ] {
            let of_unit = SHARES.iter().filter(|(family, ..)| family.unit() == unit);
            let rate: f64 = of_unit
                .map(|(family, level, _)| match unit {
                    // Both directions, and more routes than there will ever be.
                    Unit::Hours if *level != Level::All => {
                        (1..10_000).map(|place| 2.0 / family.run_length(*level, place, &config)).sum()
                    }
                    Unit::Hours => 2.0 / family.run_length(*level, 1, &config),
                    _ => 1.0 / family.run_length(*level, 1, &config),
                })
                .sum();
            assert!(rate <= 1.0 / whole + 1e-12, "{unit:?}: {rate} against {}", 1.0 / whole);
        }
    }
}
