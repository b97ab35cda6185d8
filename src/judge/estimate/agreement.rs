//! How good a judge is, by answers that people have judged, and what that makes of what it says.

use serde::Serialize;

use super::{Estimate, quantile};

/// How often a judge said what people say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// Acceptable answers that it finds acceptable.
    pub good_found_good: u64,
    /// Acceptable answers that it does not.
    pub good_found_bad: u64,
    /// Unacceptable answers that it finds so.
    pub bad_found_bad: u64,
    /// Unacceptable answers that it finds acceptable.
    pub bad_found_good: u64,
}

/// A share of a number of cases, with the 95% interval of Wilson (1927).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// The share, in [0, 1].
    pub share: f64,
    /// Its interval.
    pub interval: [f64; 2],
    /// The cases.
    pub of: u64,
}

/// An estimate with the judge's errors taken out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Corrected {
    /// The share of acceptable answers, in [0, 1].
    pub mean: f64,
    /// Its interval, which holds what is not known of the judge, too.
    pub interval: [f64; 2],
    /// The probability that the interval holds it.
    pub level: f64,
}

/// Why an estimate is not corrected.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Too little is known of the judge.
    #[error("only {0} anchors are judged: it takes {FEWEST}, and {FEWEST_EACH} of each kind")]
    TooFew(u64),
    /// The judge says too little.
    #[error(
        "sensitivity and specificity sum up to {0:.2}: below {LEAST} a correction says more of the judge than of the answers"
    )]
    Uninformative(f64),
}

/// Anchors that it takes to correct.
const FEWEST: u64 = 100;

/// Those of them that have to be acceptable, and those that must not.
const FEWEST_EACH: u64 = 10;

/// The least sum of sensitivity and specificity.
const LEAST: f64 = 1.2;

impl Confusion {
    /// Counts what a judge said of an answer.
    pub fn add(&mut self, is_good: bool, found_good: bool) {
        match (is_good, found_good) {
            (true, true) => self.good_found_good += 1,
            (true, false) => self.good_found_bad += 1,
            (false, false) => self.bad_found_bad += 1,
            (false, true) => self.bad_found_good += 1,
        }
    }

    /// The share of the acceptable answers that the judge finds acceptable.
    #[must_use]
    pub fn sensitivity(&self) -> Option<Rate> {
        rate(self.good_found_good, self.good_found_good + self.good_found_bad)
    }

    /// The share of the unacceptable answers that it finds unacceptable.
    #[must_use]
    pub fn specificity(&self) -> Option<Rate> {
        rate(self.bad_found_bad, self.bad_found_bad + self.bad_found_good)
    }

    /// The share of all answers of which it says what people say.
    #[must_use]
    pub fn agreement(&self) -> Option<Rate> {
        rate(self.good_found_good + self.bad_found_bad, self.cases())
    }

    /// All answers.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.good_found_good + self.good_found_bad + self.bad_found_bad + self.bad_found_good
    }

    /// Takes the judge's errors out of an estimate: θ = (p + sp − 1)/(se + sp − 1) (Rogan and Gladen, 1978), with the
    /// interval of Lang and Reiczigel (2014), which knows that sensitivity and specificity are estimates themselves.
    ///
    /// # Errors
    /// When too few anchors are judged, or the judge is hardly better than chance.
    pub fn correct(&self, estimate: &Estimate) -> Result<Corrected, Refused> {
        let (good, bad) = (self.good_found_good + self.good_found_bad, self.bad_found_bad + self.bad_found_good);
        let (Some(se), Some(sp)) = (self.sensitivity(), self.specificity()) else {
            return Err(Refused::TooFew(self.cases()));
        };
        if self.cases() < FEWEST || good.min(bad) < FEWEST_EACH {
            return Err(Refused::TooFew(self.cases()));
        }
        if se.share + sp.share < LEAST {
            return Err(Refused::Uninformative(se.share + sp.share));
        }
        let z = quantile(estimate.level);
        // As many plain labels would tell as much as the estimate does.
        let [low, high] = estimate.interval;
        let error = (high - low) / 2.0 / z;
        let labels = (estimate.mean * (1.0 - estimate.mean)).max(1e-4) / error.powi(2).max(1e-12);
        let p = (labels * estimate.mean + z * z / 2.0) / (labels + z * z);
        let [se_near, sp_near] =
            [(se.share, good), (sp.share, bad)].map(|(share, n)| (share * n as f64 + 1.0) / (n as f64 + 2.0));
        let [se_error, sp_error] =
            [(se_near, good), (sp_near, bad)].map(|(share, n)| share * (1.0 - share) / (n as f64 + 2.0));
        let informed = se_near + sp_near - 1.0;
        let center = ((p + sp_near - 1.0) / informed).clamp(0.0, 1.0);
        let shift = 2.0 * z * z * (center * se_error - (1.0 - center) * sp_error);
        let variance = p * (1.0 - p) / (labels + z * z) + center.powi(2) * se_error + (1.0 - center).powi(2) * sp_error;
        let half = z * variance.sqrt() / informed;
        let mean = ((estimate.mean + sp.share - 1.0) / (se.share + sp.share - 1.0)).clamp(0.0, 1.0);
        let interval = [(center + shift - half).clamp(0.0, mean), (center + shift + half).clamp(mean, 1.0)];
        Ok(Corrected { mean, interval, level: estimate.level })
    }
}

/// A share; `None` of nothing.
#[must_use]
pub fn rate(part: u64, of: u64) -> Option<Rate> {
    let n = (of > 0).then_some(of as f64)?;
    let (share, z) = (part as f64 / n, quantile(0.95));
    let center = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    Some(Rate { share, interval: [(center - half).max(0.0), (center + half).min(1.0)], of })
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::super::{Judged, Method, Population, Sums, estimate};
    use super::*;

    fn confusion(se: [u64; 2], sp: [u64; 2]) -> Confusion {
        Confusion { good_found_good: se[0], good_found_bad: se[1], bad_found_bad: sp[0], bad_found_good: sp[1] }
    }

    fn said(mean: f64) -> Estimate {
        let interval = [mean - 0.02, mean + 0.02];
        Estimate { requests: 9, drawn: 9, judged: 9, mean, interval, level: 0.95, method: Method::Normal }
    }

    #[test]
    fn rates_are_as_by_hand() {
        let found = confusion([45, 5], [40, 10]);
        assert_eq!((found.sensitivity().unwrap().share, found.specificity().unwrap().share), (0.9, 0.8));
        assert_eq!(found.agreement().unwrap().share, 0.85);
        // Wilson's interval of 45 of 50, as statsmodels' proportion_confint(45, 50, method="wilson") gives it.
        let [low, high] = found.sensitivity().unwrap().interval;
        assert!((low - 0.786_398).abs() < 1e-5 && (high - 0.956_524).abs() < 1e-5, "{low} {high}");
        assert_eq!(Confusion::default().sensitivity(), None);
    }

    #[test]
    fn the_judges_errors_are_taken_out() {
        let corrected = confusion([900, 100], [800, 200]).correct(&said(0.76)).unwrap();
        assert!((corrected.mean - 0.8).abs() < 1e-12, "{corrected:?}");
        let [low, high] = corrected.interval;
        assert!(low < 0.8 && 0.8 < high && high - low > 0.04 / 0.7, "{corrected:?}");
    }

    #[test]
    fn what_cannot_be_corrected_is_refused() {
        assert_eq!(confusion([45, 4], [40, 10]).correct(&said(0.7)), Err(Refused::TooFew(99)));
        assert_eq!(confusion([95, 4], [5, 1]).correct(&said(0.7)), Err(Refused::TooFew(105)));
        let refused = confusion([60, 40], [59, 41]).correct(&said(0.7)).unwrap_err();
        assert!(refused.to_string().contains("1.19"), "{refused}");
        assert!(confusion([60, 40], [60, 40]).correct(&said(0.55)).is_ok());
    }

    #[test]
    fn the_corrected_interval_covers_with_a_judge_of_known_errors() {
        const RUNS: u64 = 1000;
        let mut held = [0, 0];
        for run in 0..RUNS {
            let mut rng = StdRng::seed_from_u64(run);
            let (mut sums, mut judged, mut truth, mut found) = (Sums::default(), Vec::new(), 0.0, Confusion::default());
            let judge = |rng: &mut StdRng, good: bool| rng.random_bool(if good { 0.9 } else { 0.2 });
            for _ in 0..10_000 {
                let good = rng.random_bool(0.8);
                truth += f64::from(u8::from(good)) / 10_000.0;
                let drawn = rng.random_bool(0.05);
                sums.add(0.9, 0.05, drawn);
                if drawn {
                    let score = f64::from(u8::from(judge(&mut rng, good)));
                    judged.push(Judged { predicted: 0.9, propensity: 0.05, score });
                }
            }
            for _ in 0..200 {
                let good = rng.random_bool(0.5);
                found.add(good, judge(&mut rng, good));
            }
            let raw = estimate(&Population::new(sums, judged), 0.95, "").unwrap();
            let corrected = found.correct(&raw).unwrap();
            for (held, [low, high]) in held.iter_mut().zip([corrected.interval, raw.interval]) {
                *held += u64::from(low <= truth && truth <= high);
            }
        }
        let [corrected, raw] = held.map(|held| held as f64 / RUNS as f64);
        println!("corrected intervals held the truth in {corrected}, uncorrected ones in {raw}");
        assert!((corrected - 0.95).abs() <= 0.02, "{corrected}");
        assert!(raw < 0.6, "what the judge says by itself is biased: {raw}");
    }
}
