//! The requests that an estimate speaks for.

/// A judged request. All numbers are in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// What was predicted of its score.
    pub predicted: f64,
    /// The probability with which it was drawn; above 0.
    pub propensity: f64,
    /// Its score.
    pub score: f64,
}

/// Sums over all requests, and the judged ones among them.
#[derive(Debug, Clone, Default)]
pub struct Population {
    sums: Sums,
    judged: Vec<Judged>,
}

/// Sums over requests that may be judged. Sums of several groups are sums of all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Those that were drawn.
    pub drawn: u64,
    /// Σ f.
    pub predicted: f64,
    /// Σ π.
    pub propensity: f64,
    /// The least (0 − f)/π: what a score of 0 can take from the estimate.
    pub low: f64,
    /// The greatest (1 − f)/π.
    pub high: f64,
}

impl Default for Sums {
    fn default() -> Self {
        Self { requests: 0, drawn: 0, predicted: 0.0, propensity: 0.0, low: 0.0, high: 0.0 }
    }
}

impl Sums {
    /// Counts a request.
    pub fn add(&mut self, predicted: f64, propensity: f64, drawn: bool) {
        self.merge(&Self {
            requests: 1,
            drawn: u64::from(drawn),
            predicted,
            propensity,
            low: -predicted / propensity,
            high: (1.0 - predicted) / propensity,
        });
    }

    /// Counts all that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.drawn += other.drawn;
        self.predicted += other.predicted;
        self.propensity += other.propensity;
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }
}

impl Population {
    /// Requests of which these were judged.
    #[must_use]
    pub fn new(sums: Sums, judged: Vec<Judged>) -> Self {
        Self { sums, judged }
    }

    /// The judged ones.
    #[must_use]
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// All of them.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.sums.requests
    }

    /// Those that were drawn.
    #[must_use]
    pub fn drawn(&self) -> u64 {
        self.sums.drawn.max(self.judged.len() as u64)
    }

    /// Which share of the drawn ones was judged; 1 where none was drawn.
    #[must_use]
    pub fn share_judged(&self) -> f64 {
        if self.drawn() == 0 { 1.0 } else { self.judged.len() as f64 / self.drawn() as f64 }
    }

    /// The mean prediction; `None` without requests or where none could be drawn.
    #[must_use]
    pub fn mean_prediction(&self) -> Option<f64> {
        (self.sums.requests > 0 && self.sums.propensity > 0.0).then(|| self.sums.predicted / self.sums.requests as f64)
    }

    /// The mean probability of being drawn.
    #[must_use]
    pub fn mean_propensity(&self) -> f64 {
        self.sums.propensity / self.sums.requests.max(1) as f64
    }

    /// Between what (Y − f)·π̄/π must lie.
    #[must_use]
    pub fn range(&self) -> [f64; 2] {
        [self.sums.low, self.sums.high].map(|bound| bound * self.mean_propensity())
    }
}
