//! A rolling z-test: the mean of the last 100 samples against a known normal rate, alarm at three standard errors above.

use std::collections::VecDeque;

pub(crate) struct RollingZ {
    normal: f64,
    window: VecDeque<f64>,
    sum: f64,
}

const WINDOW: usize = 100;

impl RollingZ {
    pub(crate) fn new(normal: f64) -> Self {
        Self { normal, window: VecDeque::with_capacity(WINDOW + 1), sum: 0.0 }
    }

    pub(crate) fn observe(&mut self, x: f64) -> bool {
        self.window.push_back(x);
        self.sum += x;
        if self.window.len() > WINDOW {
            self.sum -= self.window.pop_front().unwrap_or_default();
        }
        let error = (self.normal * (1.0 - self.normal) / WINDOW as f64).sqrt();
        let alarm = self.window.len() == WINDOW && self.sum / WINDOW as f64 - self.normal > 3.0 * error;
        if alarm {
            self.window.clear();
            self.sum = 0.0;
        }
        alarm
    }
}
