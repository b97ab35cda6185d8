//! How many labels a promise would take.

/// The 80 % quantile of the normal distribution: a number of labels suffices when it does so in about four of five
/// cases.
pub(super) const SURE: f64 = 0.8416;

/// Past this there is no hope.
const MOST: usize = 1 << 32;

/// The least number that suffices, by doubling and bisection; `None` where none up to 2³² does.
pub(super) fn least(suffices: impl Fn(usize) -> bool) -> Option<usize> {
    let mut high = 1;
    while !suffices(high) {
        high *= 2;
        if high > MOST {
            return None;
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if suffices(middle) { high = middle } else { low = middle }
    }
    Some(high)
}
