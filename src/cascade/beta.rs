//! What counts tell of a share.

use statrs::function::beta::checked_beta_reg;

/// The probability that a share is above `x`, in [0, 1], after seeing so many cases for and against it: 1 − I_x(for + 1,
/// against + 1), the posterior under a uniform prior.
pub(super) fn share_above(x: f64, seen_for: usize, seen_against: usize) -> f64 {
    let below = checked_beta_reg(seen_for as f64 + 1.0, seen_against as f64 + 1.0, x.clamp(0.0, 1.0));
    // Both parameters are at least one and x is in range: there is no error to be had.
    1.0 - below.unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_known_in_closed_form() {
        // Unanimous votes give 1 − 2^−(n+1).
        for votes in 0..10 {
            assert!((share_above(0.5, votes, 0) - (1.0 - 0.5_f64.powi(votes as i32 + 1))).abs() < 1e-12);
        }
        // Two against one: 1 − P(Bin(4, ½) ≥ 3) = 11/16.
        assert!((share_above(0.5, 2, 1) - 0.6875).abs() < 1e-12);
        assert!((share_above(0.5, 7, 7) - 0.5).abs() < 1e-12);
        assert_eq!((share_above(0.0, 3, 2), share_above(1.0, 3, 2)), (1.0, 0.0));
        assert!(share_above(0.9, 200, 0) > 0.999_999 && share_above(0.9, 0, 200) < 1e-12);
    }
}
