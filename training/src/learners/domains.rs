//! Which domain a row is of, and so what the tiers make of rows like it.
//!
//! Linear discriminant analysis over the forest's features gives the posterior of each domain; the mean label of the
//! domain, shrunk to the mean of all, is averaged over it. A row needs no domain to be asked about.

use std::collections::HashMap;

use linfa_linalg::cholesky::SolveC;
use ndarray::{Array1, Array2, ArrayView1, Axis};

/// A domain with fewer rows than this is none: its mean would say little.
const FEWEST_ROWS: usize = 20;

/// Domains that are told apart; of more the largest.
const MOST: usize = 256;

/// How many rows of average outcome stand beside a domain's own.
const SHRINKAGE: f64 = 20.0;

/// Share of the covariance that is replaced by a multiple of the identity of equal trace.
const RIDGE: f64 = 0.1;

/// Linear discriminants of the domains, and their mean labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Domains {
    /// Domains × features. Empty where one domain or none was seen.
    pub coefficients: Vec<Vec<f32>>,
    /// Per domain the discriminant at features of zero.
    pub intercepts: Vec<f64>,
    /// Per domain the shrunk mean label of each tier.
    pub labels: Vec<Vec<f64>>,
}

/// The rows to learn from.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// Rows × features.
    pub(crate) x: &'a Array2<f64>,
    /// The number of each row's domain, from [`numbered`].
    pub(crate) domains: &'a [Option<usize>],
    /// Per tier the labels.
    pub(crate) labels: &'a [Vec<f64>],
}

/// Numbers the domains that are large enough, in the order of their size; `None` where fewer than two are.
pub(crate) fn numbered(domains: &[Option<u64>]) -> Option<Vec<Option<usize>>> {
    let mut sizes: HashMap<u64, usize> = HashMap::new();
    domains.iter().flatten().for_each(|domain| *sizes.entry(*domain).or_default() += 1);
    let mut large: Vec<(usize, u64)> =
        sizes.into_iter().filter(|(_, rows)| *rows >= FEWEST_ROWS).map(|(domain, rows)| (rows, domain)).collect();
    large.sort_unstable_by(|a, b| b.cmp(a));
    large.truncate(MOST);
    let numbers: HashMap<u64, usize> = large.iter().enumerate().map(|(i, (_, domain))| (*domain, i)).collect();
    (numbers.len() >= 2).then(|| domains.iter().map(|domain| numbers.get(domain.as_ref()?).copied()).collect())
}

impl Domains {
    /// Learns from the rows whose weight is positive.
    pub(crate) fn fit(rows: Rows<'_>, weights: &[f64]) -> Self {
        let used: Vec<usize> = (0..weights.len()).filter(|row| weights[*row] > 0.0).collect();
        let of: Vec<usize> = used.iter().copied().filter(|row| rows.domains[*row].is_some()).collect();
        let mut present: Vec<usize> = of.iter().filter_map(|row| rows.domains[*row]).collect();
        present.sort_unstable();
        present.dedup();
        let prior = means(rows.labels, weights, &used, &[], 0.0);
        if present.len() < 2 {
            return Self { labels: vec![prior], intercepts: vec![0.0], coefficients: Vec::new() };
        }
        let members: Vec<Vec<usize>> = present
            .iter()
            .map(|domain| of.iter().copied().filter(|row| rows.domains[*row] == Some(*domain)).collect())
            .collect();
        let labels = members.iter().map(|rows_of| means(rows.labels, weights, rows_of, &prior, SHRINKAGE)).collect();
        match discriminants(rows.x, weights, &members) {
            Some((coefficients, intercepts)) => Self { coefficients, intercepts, labels },
            None => Self { labels: vec![prior], intercepts: vec![0.0], coefficients: Vec::new() },
        }
    }

    /// Per tier the mean label that the row's features let expect.
    pub(crate) fn expected(&self, x: ArrayView1<'_, f64>) -> Vec<f64> {
        let along = |d: &Vec<f32>| d.iter().zip(x).map(|(d, x)| f64::from(*d) * x).sum::<f64>();
        let at = |i: usize, intercept: &f64| intercept + self.coefficients.get(i).map_or(0.0, along);
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
}

/// Per tier the weighted mean label of some rows beside `shrinkage` rows of the prior.
fn means(labels: &[Vec<f64>], weights: &[f64], rows: &[usize], prior: &[f64], shrinkage: f64) -> Vec<f64> {
    let total: f64 = rows.iter().map(|row| weights[*row]).sum::<f64>() + shrinkage;
    let sum = |tier: &Vec<f64>| rows.iter().map(|row| weights[*row] * tier[*row]).sum::<f64>();
    let mean =
        |(i, tier)| (sum(tier) + shrinkage * prior.get(i).copied().unwrap_or(0.0)) / total.max(f64::MIN_POSITIVE);
    labels.iter().enumerate().map(mean).collect()
}

/// δ_d(x) = x·Σ⁻¹μ_d − ½ μ_d·Σ⁻¹μ_d + ln π_d with the pooled covariance Σ (Hastie, Tibshirani, Friedman, The Elements of
/// Statistical Learning, 4.3); `None` where the covariance has no inverse.
fn discriminants(x: &Array2<f64>, weights: &[f64], members: &[Vec<usize>]) -> Option<(Vec<Vec<f32>>, Vec<f64>)> {
    let features = x.ncols();
    let mut covariance = Array2::zeros((features, features));
    let mut centres = Array2::zeros((features, members.len()));
    let mut masses = Vec::with_capacity(members.len());
    for (rows, mut centre) in members.iter().zip(centres.columns_mut()) {
        let mut own = x.select(Axis(0), rows);
        let weights: Array1<f64> = rows.iter().map(|row| weights[*row]).collect();
        let mass = weights.sum();
        centre.assign(&(own.t().dot(&weights) / mass));
        own -= &centre;
        own *= &weights.mapv(f64::sqrt).insert_axis(Axis(1));
        covariance += &own.t().dot(&own);
        masses.push(mass);
    }
    let total: f64 = masses.iter().sum();
    covariance /= total;
    let spread = covariance.diag().sum() / features as f64;
    covariance *= 1.0 - RIDGE;
    covariance.diag_mut().mapv_inplace(|variance| variance + RIDGE * spread);
    let directions = covariance.solvec(&centres).ok()?;
    if !directions.iter().all(|x| x.is_finite()) {
        return None;
    }
    let along = |i: usize| directions.column(i).iter().map(|x| *x as f32).collect();
    let at_zero = |i: usize| (masses[i] / total).ln() - 0.5 * centres.column(i).dot(&directions.column(i));
    Some(((0..members.len()).map(along).collect(), (0..members.len()).map(at_zero).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{normal, stream};

    #[test]
    fn domains_that_are_large_enough_are_numbered_by_size() {
        let named = |name: u64, rows: usize| vec![Some(name); rows];
        let domains = [named(7, 20), named(9, 30), named(4, 19), vec![None; 50]].concat();
        let numbered = numbered(&domains).unwrap();
        assert_eq!((numbered[0], numbered[20], numbered[50], numbered[69]), (Some(1), Some(0), None, None));
        assert_eq!(super::numbered(&named(1, 500)), None);
        assert_eq!(super::numbered(&vec![None; 500]), None);
        let many: Vec<Option<u64>> = (0..300 * FEWEST_ROWS as u64).map(|i| Some(i % 300)).collect();
        assert_eq!(super::numbered(&many).unwrap().iter().flatten().max(), Some(&(MOST - 1)));
    }

    /// Two domains a unit apart along the first of two features; the cheap tier is right on 9 of 10 and 1 of 10 rows.
    fn world(rows: usize) -> (Array2<f64>, Vec<Option<usize>>, Vec<Vec<f64>>) {
        let mut rng = stream(5, 0);
        let domains: Vec<Option<usize>> = (0..rows).map(|row| Some(row % 2)).collect();
        let x = Array2::from_shape_fn((rows, 2), |(row, column)| {
            normal(&mut rng) + if column == 0 { (row % 2) as f64 * 2.0 - 1.0 } else { 0.0 }
        });
        let cheap = (0..rows).map(|row| f64::from(u8::from((row / 2 % 10 == 0) == (row % 2 == 0)))).collect();
        (x, domains, vec![cheap, vec![0.5; rows]])
    }

    #[test]
    fn the_posterior_is_that_of_the_planted_gaussians() {
        let (x, domains, labels) = world(20_000);
        let rows = Rows { x: &x, domains: &domains, labels: &labels };
        let fitted = Domains::fit(rows, &vec![1.0; 20_000]);
        // With unit covariance and means ±1 the log odds of the second domain are 2x, whatever the other feature says.
        for place in [-2.0, -0.5, 0.0, 1.0] {
            let expected = fitted.expected(ndarray::array![place, 3.0].view());
            let second = 1.0 / (1.0 + (-2.0_f64 * place).exp());
            let truth = 0.1 * (1.0 - second) + 0.9 * second;
            assert!((expected[0] - truth).abs() < 0.03, "{place}: {} {truth}", expected[0]);
            assert!((expected[1] - 0.5).abs() < 1e-9);
        }
    }

    #[test]
    fn rows_without_weight_or_domain_do_not_place_a_domain() {
        let (mut x, mut domains, mut labels) = world(400);
        let fit = |x: &Array2<f64>, domains: &[Option<usize>], labels: &[Vec<f64>], weights: &[f64]| {
            Domains::fit(Rows { x, domains, labels }, weights)
        };
        let before = fit(&x, &domains, &labels, &[1.0; 400]);
        x.append(Axis(0), ndarray::array![[1e6, 1e6], [-1e6, 0.0]].view()).unwrap();
        domains.extend([Some(0), None]);
        labels[0].extend([0.0, 0.5]);
        labels[1].extend([0.5, 0.5]);
        let mut weights = vec![1.0; 402];
        weights[400] = 0.0;
        let after = fit(&x, &domains, &labels, &weights);
        assert_eq!(before.coefficients, after.coefficients);
        // Twice the weight is twice the rows.
        let twice = fit(&x, &domains, &labels, &weights.iter().map(|w| 2.0 * w).collect::<Vec<f64>>());
        for (a, b) in twice.coefficients.iter().flatten().zip(after.coefficients.iter().flatten()) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn one_domain_or_features_that_do_not_vary_give_the_mean() {
        let (x, domains, labels) = world(400);
        let mut weights = vec![1.0; 400];
        (0..400).filter(|row| row % 2 == 1).for_each(|row| weights[row] = 0.0);
        let one = Domains::fit(Rows { x: &x, domains: &domains, labels: &labels }, &weights);
        assert!((one.expected(x.row(0))[0] - 0.1).abs() < 1e-12);
        let flat = Array2::zeros((400, 2));
        let none = Domains::fit(Rows { x: &flat, domains: &domains, labels: &labels }, &[1.0; 400]);
        assert!((none.expected(flat.row(0))[0] - 0.5).abs() < 1e-12);
    }
}
