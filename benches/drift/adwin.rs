//! ADWIN: a window that is cut where the means of its two sides differ (Bifet and Gavaldà, 2007), over an exponential histogram.

use std::collections::VecDeque;

/// With the usual parameters: δ = .002, five buckets of a size, looked at every 32 samples.
#[derive(Default)]
pub(crate) struct Adwin {
    /// Number and sum of samples of each bucket, the newest first.
    buckets: VecDeque<(u64, f64)>,
    seen: u64,
}

const DELTA: f64 = 0.002;
const OF_A_SIZE: usize = 5;
const EVERY: u64 = 32;

impl Adwin {
    pub(crate) fn observe(&mut self, x: f64) -> bool {
        self.buckets.push_front((1, x));
        self.compress();
        self.seen += 1;
        let mut alarm = false;
        while self.seen.is_multiple_of(EVERY) && self.cuts() {
            self.buckets.pop_back();
            alarm = true;
        }
        alarm
    }

    /// Joins the two oldest of six buckets of a size.
    fn compress(&mut self) {
        let mut size = 1;
        loop {
            let of_size: Vec<usize> = (0..self.buckets.len()).filter(|i| self.buckets[*i].0 == size).collect();
            let [.., newer, older] = of_size[..] else { return };
            if of_size.len() <= OF_A_SIZE {
                return;
            }
            let (n, sum) = self.buckets[older];
            self.buckets[newer] = (self.buckets[newer].0 + n, self.buckets[newer].1 + sum);
            self.buckets.remove(older);
            size *= 2;
        }
    }

    /// Whether some cut leaves two sides whose means differ by more than chance lets them.
    fn cuts(&self) -> bool {
        let (n, sum) = self.buckets.iter().fold((0.0, 0.0), |(n, sum), (m, part)| (n + *m as f64, sum + part));
        let mean = sum / n;
        let variance = mean * (1.0 - mean);
        let log = (2.0 * n.ln() / DELTA).ln();
        let (mut n0, mut sum0) = (0.0, 0.0);
        self.buckets.iter().any(|(m, part)| {
            n0 += *m as f64;
            sum0 += part;
            let n1 = n - n0;
            if n0 < 5.0 || n1 < 5.0 {
                return false;
            }
            let m = 1.0 / (1.0 / (n0 - 4.0) + 1.0 / (n1 - 4.0));
            let limit = (2.0 / m * variance * log).sqrt() + 2.0 / (3.0 * m) * log;
            (sum0 / n0 - (sum - sum0) / n1).abs() > limit
        })
    }
}
