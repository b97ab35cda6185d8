//! Beta calibration (Kull, Silva Filho, Flach 2017): a curve of three parameters that can bend the two ends apart.

use ndarray::Array2;

use super::{L2, Targets};
use crate::learners::logistic::{Logistic, sigmoid};

/// p = σ(a·ln q − b·ln(1 − q) + c) with q = σ(z). Platt's calibration is a = b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beta {
    /// Slope in logits towards q = 0; not negative.
    pub a: f64,
    /// Slope in logits towards q = 1; not negative.
    pub b: f64,
    /// Shift in logits.
    pub c: f64,
}

impl Beta {
    /// Fits logits that the labels' own rows had no part in. A slope that comes out negative is set to 0 and the other
    /// fitted again; where both do, the base rate is all there is.
    #[must_use]
    pub fn fit(logits: &[f64], labels: &[f64], weights: &[f64]) -> Self {
        let targets = Targets::new(labels, weights);
        let fit = |ends: &[fn(f64) -> f64]| {
            let x = Array2::from_shape_fn((logits.len(), ends.len()), |(row, end)| ends[end](logits[row]));
            Logistic::fit(x.view(), &targets.drawn_in, weights, L2)
        };
        let both = fit(&[towards_zero, towards_one]);
        match both.coefficients[..] {
            [a, b] if a >= 0.0 && b >= 0.0 => Self { a, b, c: both.intercept },
            [a, _] if a >= 0.0 => Self::one_sided(&fit(&[towards_zero]), &targets, |a| (a, 0.0)),
            _ => Self::one_sided(&fit(&[towards_one]), &targets, |b| (0.0, b)),
        }
    }

    fn one_sided(fit: &Logistic, targets: &Targets, slopes: impl Fn(f64) -> (f64, f64)) -> Self {
        match fit.coefficients[..] {
            [slope] if slope > 0.0 => {
                let (a, b) = slopes(slope);
                Self { a, b, c: fit.intercept }
            }
            _ => Self { a: 0.0, b: 0.0, c: targets.base_rate },
        }
    }

    /// The probability for a logit.
    #[must_use]
    pub fn apply(&self, z: f64) -> f64 {
        sigmoid(self.a * towards_zero(z) + self.b * towards_one(z) + self.c)
    }
}

/// ln q = −ln(1 + e^−z): z itself towards −∞, 0 towards ∞.
fn towards_zero(z: f64) -> f64 {
    -towards_one(-z)
}

/// −ln(1 − q) = ln(1 + e^z): 0 towards −∞, z itself towards ∞.
fn towards_one(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Planted, planted};

    #[test]
    fn planted_slopes_are_recovered() {
        let Planted { logits, uniforms, .. } = planted(40_000, 4, 3);
        let truth = Beta { a: 0.4, b: 1.5, c: -0.3 };
        let labels: Vec<f64> =
            logits.iter().zip(&uniforms).map(|(z, u)| f64::from(u8::from(*u < truth.apply(*z)))).collect();
        let beta = Beta::fit(&logits, &labels, &vec![1.0; labels.len()]);
        assert!((beta.a - 0.4).abs() < 0.12 && (beta.b - 1.5).abs() < 0.12, "{beta:?}");
        for z in [-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0] {
            assert!((beta.apply(z) - truth.apply(z)).abs() < 0.02, "{z}: {beta:?}");
        }
    }

    #[test]
    fn it_never_falls() {
        let Planted { logits, .. } = planted(2000, 2, 3);
        for labels in [
            logits.iter().map(|z| f64::from(u8::from(z.abs() < 1.0))).collect::<Vec<_>>(),
            logits.iter().map(|z| f64::from(u8::from(z.abs() > 1.0))).collect(),
            logits.iter().map(|z| f64::from(u8::from(*z < 0.0))).collect(),
        ] {
            let beta = Beta::fit(&logits, &labels, &vec![1.0; 2000]);
            assert!(beta.a >= 0.0 && beta.b >= 0.0 && beta.c.is_finite(), "{beta:?}");
        }
    }
}
