//! From a head's logit to the probability, in the form that training chose.

use serde::{Deserialize, Serialize};

/// A rising map from logits to probabilities, fitted out of fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Calibration {
    /// p = σ(slope · z + intercept) (Platt 1999).
    Platt {
        /// Under 1 where the logits are overconfident; not negative.
        slope: f64,
        /// Shift in logits.
        intercept: f64,
    },
    /// p = σ(a·ln q − b·ln(1 − q) + c) with q = σ(z) (Kull, Silva Filho, Flach 2017).
    Beta {
        /// Slope in logits towards q = 0; not negative.
        a: f64,
        /// Slope in logits towards q = 1; not negative.
        b: f64,
        /// Shift in logits.
        c: f64,
    },
    /// A line through corners.
    Isotonic {
        /// (logit in, logit out), rising in both, at most 256; straight in between.
        corners: Vec<(f64, f64)>,
        /// Slope beyond the outer corners; not negative.
        slope: f64,
    },
}

/// The most corners that are read.
const MOST_CORNERS: usize = 256;

impl Calibration {
    /// The name of the form: `platt`, `beta` or `isotonic`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Platt { .. } => "platt",
            Self::Beta { .. } => "beta",
            Self::Isotonic { .. } => "isotonic",
        }
    }

    /// The probability for a logit.
    #[must_use]
    pub fn apply(&self, z: f64) -> f64 {
        sigmoid(match self {
            Self::Platt { slope, intercept } => slope * z + intercept,
            Self::Beta { a, b, c } => b * softplus(z) - a * softplus(-z) + c,
            Self::Isotonic { corners, slope } => along(corners, *slope, z),
        })
    }

    /// Finds what would make it fall, or give what is not a number.
    pub(super) fn check(&self) -> Result<(), String> {
        let (slopes, shift) = match self {
            Self::Platt { slope, intercept } => ([*slope, 0.0], *intercept),
            Self::Beta { a, b, c } => ([*a, *b], *c),
            Self::Isotonic { corners, slope } => {
                check_corners(corners)?;
                ([*slope, 0.0], 0.0)
            }
        };
        if slopes.iter().any(|slope| !slope.is_finite() || *slope < 0.0) || !shift.is_finite() {
            return Err("calibration: slopes must be finite and not negative, and the shift finite".to_owned());
        }
        Ok(())
    }
}

fn check_corners(corners: &[(f64, f64)]) -> Result<(), String> {
    if corners.is_empty() || corners.len() > MOST_CORNERS {
        return Err(format!("calibration: {} corners, not 1 to {MOST_CORNERS}", corners.len()));
    }
    let finite = corners.iter().all(|(z, out)| z.is_finite() && out.is_finite());
    if !finite || !corners.is_sorted_by(|low, high| low.0 < high.0 && low.1 < high.1) {
        return Err("calibration: corners must be finite and rise".to_owned());
    }
    Ok(())
}

/// The line through the corners at `z`.
fn along(corners: &[(f64, f64)], slope: f64, z: f64) -> f64 {
    let above = corners.partition_point(|corner| corner.0 <= z);
    let below = above.checked_sub(1).and_then(|i| corners.get(i));
    match (below, corners.get(above)) {
        (Some(low), Some(high)) => low.1 + (z - low.0) / (high.0 - low.0) * (high.1 - low.1),
        (Some(end), None) | (None, Some(end)) => end.1 + slope * (z - end.0),
        (None, None) => 0.0,
    }
}

/// The logit of a probability that is held off 0 and 1.
pub(super) fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
}

pub(super) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// ln(1 + e^z).
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn isotonic(corners: &[(f64, f64)]) -> Calibration {
        Calibration::Isotonic { corners: corners.to_vec(), slope: 0.5 }
    }

    #[test]
    fn known_values() {
        let near = |calibration: &Calibration, z: f64, logit_out: f64| {
            assert!((calibration.apply(z) - sigmoid(logit_out)).abs() < 1e-12, "{calibration:?} at {z}");
        };
        near(&Calibration::Platt { slope: 2.0, intercept: -1.0 }, 1.5, 2.0);
        // At q = ½ both logarithms are −ln 2; with a = b it is Platt's line.
        near(&Calibration::Beta { a: 0.5, b: 2.0, c: 0.3 }, 0.0, 1.5 * 2.0_f64.ln() + 0.3);
        near(&Calibration::Beta { a: 2.0, b: 2.0, c: -1.0 }, 1.5, 2.0);
        let line = isotonic(&[(-1.0, -2.0), (1.0, 0.0), (2.0, 3.0)]);
        for (z, out) in [(-3.0, -3.0), (-1.0, -2.0), (0.0, -1.0), (1.5, 1.5), (2.0, 3.0), (4.0, 4.0)] {
            near(&line, z, out);
        }
    }

    #[test]
    fn what_could_turn_a_ranking_round_is_refused() {
        let nan = f64::NAN;
        for bad in [
            Calibration::Platt { slope: -0.1, intercept: 0.0 },
            Calibration::Platt { slope: 1.0, intercept: nan },
            Calibration::Beta { a: 1.0, b: f64::INFINITY, c: 0.0 },
            Calibration::Beta { a: -1.0, b: 1.0, c: 0.0 },
            Calibration::Isotonic { corners: vec![(0.0, 0.0)], slope: nan },
            isotonic(&[]),
            isotonic(&[(0.0, 0.0), (0.0, 1.0)]),
            isotonic(&[(0.0, 0.0), (1.0, 0.0)]),
            isotonic(&[(0.0, nan), (1.0, 0.0)]),
            isotonic(&(0..300).map(|i| (f64::from(i), f64::from(i))).collect::<Vec<_>>()),
        ] {
            assert!(bad.check().unwrap_err().contains("calibration"), "{bad:?}");
        }
        assert_eq!(isotonic(&[(0.0, 0.0), (1.0, 0.5)]).check(), Ok(()));
    }

    #[test]
    fn the_form_is_named_in_json_and_an_unknown_field_is_refused() {
        let json = r#"{"isotonic":{"corners":[[-1.0,0.1],[2.0,0.30000000000000004]],"slope":0.5}}"#;
        let read: Calibration = serde_json::from_str(json).unwrap();
        assert_eq!((read.method(), serde_json::to_string(&read).unwrap().as_str()), ("isotonic", json));
        assert!(serde_json::from_str::<Calibration>(r#"{"platt":{"slope":1.0,"intercept":0.0,"x":1}}"#).is_err());
        assert!(serde_json::from_str::<Calibration>(r#"{"slope":1.0,"intercept":0.0}"#).is_err());
    }
}
