//! What a policy would have earned on requests that another policy served: off-policy evaluation.
//!
//! A request x was served by an action a that the logging policy chose with probability π₀(a|x), and earned r. The policy π
//! that is asked about would have chosen a with probability π(a|x), so that w = π(a|x)/π₀(a|x). Two estimates of its value:
//!
//! - DR, doubly robust (Dudík, Langford, Li 2011): the weighted mean of Σ_a π(a|x)·q̂(x,a) + (ξ/π_s)·w·(r − q̂(x,a)), right
//!   where either the propensities or q̂ are. ξ says whether the answer was judged, which happened with probability π_s: a
//!   request that was not judged still tells which requests there are.
//! - SNIPS, self-normalised (Swaminathan, Joachims 2015): Σ(ξ/π_s)·w·r / Σ(ξ/π_s)·w, which needs no q̂.
//!
//! Neither can speak of what the log never tried. So it is refused where few rows carry the estimate (effective sample size
//! (Σu)²/Σu², u = (ξ/π_s)·w), where single rows do (largest w), and where the mean of w, which is 1 when every action of π
//! was possible, is not.

#[cfg(test)]
mod simulation;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::evaluate::Interval;
use crate::evaluate::bootstrap::clusters;

/// One request of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged {
    /// Σ_a π(a|x)·q̂(x,a): what the model expects the policy to earn.
    pub expected: f64,
    /// What is known of the answer; `None` where it was not judged.
    pub judged: Option<Judged>,
    /// Requests of equal number are one unit of resampling.
    pub group: u64,
}

/// An answer that was judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// w: how much likelier the policy is to choose the action than the logging policy was.
    pub ratio: f64,
    /// r, in [0, 1].
    pub reward: f64,
    /// q̂(x,a): what the model expected of the action that was taken.
    pub predicted: f64,
    /// π_s: the probability with which the answer was drawn to be judged, in (0, 1].
    pub propensity: f64,
}

/// The value of a policy: the mean reward of a request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Value {
    /// Doubly robust.
    pub dr: f64,
    /// Its 95 % interval, by the spread between groups.
    pub dr_ci: Interval,
    /// Self-normalised.
    pub snips: f64,
    /// Effective sample size.
    pub ess: f64,
    /// The largest w.
    pub max_ratio: f64,
    /// Requests of the log.
    pub requests: usize,
    /// Those of them that were judged.
    pub judged: usize,
}

/// Why nothing can be said.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Thin {
    /// Too few rows carry the estimate.
    #[error("the judged requests are worth {ess:.0} of a log by this policy, and {FEWEST_EFFECTIVE:.0} are needed")]
    EffectiveSize {
        /// What they are worth.
        ess: f64,
    },
    /// One row stands for too many.
    #[error(
        "a request stands for {ratio:.0} others that the log's policy avoided; more than {LARGEST_RATIO:.0} is luck"
    )]
    Ratio {
        /// The largest w.
        ratio: f64,
    },
    /// The policy does what the log's policy never did.
    #[error("the log never tried what this policy does in {:.0} % of the requests: explore, or judge both tiers", 100.0 * missing)]
    Support {
        /// 1 less the mean of w.
        missing: f64,
    },
    /// A number is not finite or out of range.
    #[error("a logged number is not finite or out of range")]
    BadRows,
}

/// Estimates stand on at least so many effective requests.
pub const FEWEST_EFFECTIVE: f64 = 200.0;

/// The largest w that is not luck.
pub const LARGEST_RATIO: f64 = 50.0;

/// How far the mean of w may be from 1, in its standard errors and in all.
const SUPPORT_ERRORS: f64 = 4.0;
const SUPPORT_SLACK: f64 = 0.02;

/// Estimates the value of a policy.
///
/// # Errors
/// When the overlap of the two policies is too thin, or a number is out of range.
pub fn value(log: &[Logged]) -> Result<Value, Thin> {
    if !log.iter().all(is_good) {
        return Err(Thin::BadRows);
    }
    let judged: Vec<&Judged> = log.iter().filter_map(|row| row.judged.as_ref()).collect();
    let (ess, max_ratio) = overlap(&judged)?;
    let earned: f64 = judged.iter().map(|row| row.weight() * row.reward).sum();
    let weight: f64 = judged.iter().map(|row| row.weight()).sum();
    let terms: Vec<f64> = log.iter().map(Logged::term).collect();
    let (dr, dr_ci) = mean_of_groups(&terms, &log.iter().map(|row| row.group).collect::<Vec<_>>());
    Ok(Value { dr, dr_ci, snips: earned / weight, ess, max_ratio, requests: log.len(), judged: judged.len() })
}

impl Judged {
    fn weight(&self) -> f64 {
        self.ratio / self.propensity
    }
}

impl Logged {
    fn term(&self) -> f64 {
        self.expected + self.judged.map_or(0.0, |row| row.weight() * (row.reward - row.predicted))
    }
}

fn is_good(row: &Logged) -> bool {
    let unit = |x: f64| (0.0..=1.0).contains(&x);
    let good = |judged: Judged| {
        let sampled = judged.propensity > 0.0 && judged.propensity <= 1.0;
        judged.ratio.is_finite() && judged.ratio >= 0.0 && unit(judged.reward) && unit(judged.predicted) && sampled
    };
    unit(row.expected) && row.judged.is_none_or(good)
}

/// Effective size and largest ratio, where they suffice.
fn overlap(judged: &[&Judged]) -> Result<(f64, f64), Thin> {
    let sum = |of: &dyn Fn(&Judged) -> f64| judged.iter().map(|row| of(row)).sum::<f64>();
    let max_ratio = judged.iter().map(|row| row.ratio).fold(0.0, f64::max);
    if max_ratio > LARGEST_RATIO {
        return Err(Thin::Ratio { ratio: max_ratio });
    }
    let drawn = sum(&|row| 1.0 / row.propensity).max(f64::MIN_POSITIVE);
    let mean = sum(&Judged::weight) / drawn;
    let spread = sum(&|row| ((row.ratio - mean) / row.propensity).powi(2)).sqrt() / drawn;
    if !judged.is_empty() && 1.0 - mean > SUPPORT_SLACK + SUPPORT_ERRORS * spread {
        return Err(Thin::Support { missing: 1.0 - mean });
    }
    let ess = sum(&Judged::weight).powi(2) / sum(&|row| row.weight().powi(2)).max(f64::MIN_POSITIVE);
    if ess < FEWEST_EFFECTIVE {
        return Err(Thin::EffectiveSize { ess });
    }
    Ok((ess, max_ratio))
}

/// The mean of the terms with its interval: groups are independent, rows of one need not be.
fn mean_of_groups(terms: &[f64], groups: &[u64]) -> (f64, Interval) {
    let n = terms.len() as f64;
    let mean = terms.iter().sum::<f64>() / n;
    let (cluster_of, count) = clusters(groups);
    let mut residual = vec![0.0; count];
    cluster_of.iter().zip(terms).for_each(|(&cluster, term)| residual[cluster] += term - mean);
    let g = count as f64;
    let error = (residual.iter().map(|r| r * r).sum::<f64>() * g / (g - 1.0)).sqrt() / n;
    let quantile = StudentsT::new(0.0, 1.0, g - 1.0).map_or(f64::INFINITY, |student| student.inverse_cdf(0.975));
    (mean, Interval(mean - quantile * error, mean + quantile * error))
}
