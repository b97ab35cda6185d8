//! Page–Hinkley: the cumulative sum of deviations from the running mean against its minimum (Page, 1954).

/// With the usual parameters: δ = .005, λ = 50, at least 30 samples.
#[derive(Default)]
pub(crate) struct PageHinkley {
    samples: f64,
    mean: f64,
    sum: f64,
    least: f64,
}

impl PageHinkley {
    pub(crate) fn observe(&mut self, x: f64) -> bool {
        self.samples += 1.0;
        self.mean += (x - self.mean) / self.samples;
        self.sum += x - self.mean - 0.005;
        self.least = self.least.min(self.sum);
        let alarm = self.samples >= 30.0 && self.sum - self.least > 50.0;
        if alarm {
            *self = Self::default();
        }
        alarm
    }
}
