//! Which artifact the monitors speak of.

use serde::{Deserialize, Serialize};

/// The artifact that most requests are scored by. Another one, such as a challenger on a part of the traffic, is left out until
/// it has taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Versions {
    current: Option<String>,
    others: u32,
}

/// What a sample's artifact is to the monitors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The one that they speak of.
    Current,
    /// Another one: the sample is not theirs.
    Other,
    /// Another one, which has taken over with this sample.
    TookOver,
}

/// By how many more samples another artifact has to have been used than the current one.
const TAKES: u32 = 50;

impl Versions {
    /// Takes a sample's artifact.
    pub(super) fn see(&mut self, version: Option<&str>) -> Standing {
        let Some(version) = version else { return Standing::Current };
        if self.current.as_deref() == Some(version) {
            self.others = self.others.saturating_sub(1);
            return Standing::Current;
        }
        self.others += 1;
        if self.current.is_some() && self.others < TAKES {
            return Standing::Other;
        }
        self.others = 0;
        if self.current.replace(version.to_owned()).is_some() { Standing::TookOver } else { Standing::Current }
    }

    /// The one that the monitors speak of.
    #[must_use]
    pub(super) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenger_on_a_part_of_the_traffic_is_left_out() {
        let mut versions = Versions::default();
        assert_eq!(versions.see(Some("v1")), Standing::Current);
        assert_eq!(versions.see(None), Standing::Current);
        for i in 0..1_000 {
            let expected = if i % 10 == 0 { Standing::Other } else { Standing::Current };
            assert_eq!(versions.see(Some(if i % 10 == 0 { "v2" } else { "v1" })), expected);
        }
        let taken = (1..=100).find(|_| versions.see(Some("v2")) == Standing::TookOver);
        assert_eq!((taken, versions.current()), (Some(TAKES), Some("v2")));
    }
}
