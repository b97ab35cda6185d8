//! Which domain a request is of, and so what the tiers make of requests like it.

use serde::{Deserialize, Serialize};

use super::dot::dot_single;

/// Linear discriminants of the training rows' domains, and the mean label of each. A request's own domain need not be
/// known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domains {
    /// Domains × [standardised lexical features, components]. Empty where one domain or none was seen.
    pub coefficients: Vec<Vec<f32>>,
    /// Per domain the discriminant at features of zero.
    pub intercepts: Vec<f64>,
    /// Per domain the mean label of each tier, shrunk to the mean of all, in [0, 1].
    pub labels: Vec<Vec<f64>>,
}

impl Domains {
    /// Per tier Σ_d P(d | features) · label_d, the posterior by a softmax over the discriminants.
    #[must_use]
    pub fn expected(&self, features: &[f32]) -> Vec<f64> {
        let at = |i: usize, intercept: &f64| {
            intercept + f64::from(self.coefficients.get(i).map_or(0.0, |d| dot_single(d, features)))
        };
        let z: Vec<f64> = self.intercepts.iter().enumerate().map(|(i, intercept)| at(i, intercept)).collect();
        let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut expected = vec![0.0; self.labels.first().map_or(0, Vec::len)];
        let mut total = 0.0;
        for (z, labels) in z.iter().zip(&self.labels) {
            let mass = (z - largest).exp();
            total += mass;
            expected.iter_mut().zip(labels).for_each(|(sum, label)| *sum += mass * label);
        }
        expected.iter().map(|sum| sum / total).collect()
    }

    /// Finds what has another shape than this many features and tiers, or no probability for a label.
    pub(super) fn check(&self, features: usize, tiers: usize) -> Result<(), String> {
        let domains = self.labels.len();
        let shaped = domains > 0
            && self.intercepts.len() == domains
            && (self.coefficients.is_empty() && domains == 1 || self.coefficients.len() == domains)
            && self.coefficients.iter().all(|d| d.len() == features)
            && self.labels.iter().all(|labels| labels.len() == tiers);
        let finite = self.intercepts.iter().all(|x| x.is_finite())
            && self.coefficients.iter().flatten().all(|x| x.is_finite())
            && self.labels.iter().flatten().all(|label| (0.0..=1.0).contains(label));
        if shaped && finite {
            return Ok(());
        }
        Err(format!("domains: not a discriminant of {features} finite numbers and {tiers} labels for each domain"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Domains {
        Domains {
            coefficients: vec![vec![1.0, 0.0], vec![-1.0, 0.0]],
            intercepts: vec![0.0, 0.0],
            labels: vec![vec![0.9, 1.0], vec![0.1, 0.5]],
        }
    }

    #[test]
    fn labels_are_averaged_over_the_posterior() {
        let second = 1.0 / (1.0 + 4.0_f64.exp());
        let expected = two().expected(&[2.0, 9.0]);
        assert!((expected[0] - (0.9 - 0.8 * second)).abs() < 1e-12);
        assert!((expected[1] - (1.0 - 0.5 * second)).abs() < 1e-12);
        let far = two().expected(&[3e30, 0.0]);
        assert_eq!(far, [0.9, 1.0]);
        let one = Domains { coefficients: Vec::new(), intercepts: vec![0.0], labels: vec![vec![0.3, 0.4]] };
        assert_eq!(one.expected(&[1.0, 2.0]), [0.3, 0.4]);
        assert_eq!(one.check(2, 2), Ok(()));
    }

    #[test]
    fn what_has_another_shape_is_found() {
        assert_eq!(two().check(2, 2), Ok(()));
        let faults: [fn(&mut Domains); 6] = [
            |d| d.labels.clear(),
            |d| d.coefficients[1].push(0.0),
            |d| d.coefficients.truncate(1),
            |d| d.intercepts[0] = f64::NAN,
            |d| d.labels[0][1] = 1.5,
            |d| d.labels[1].truncate(1),
        ];
        for fault in faults {
            let mut domains = two();
            fault(&mut domains);
            assert!(domains.check(2, 2).is_err(), "{domains:?}");
        }
    }
}
