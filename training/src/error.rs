/// Why nothing can be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Parts of different length, or fewer than two tiers.
    #[error("the parts of the data differ in length, or there are fewer than two tiers")]
    Shape,
    /// A number is out of its range.
    #[error("{0} hold a number that is not finite or out of range")]
    NotFinite(&'static str),
    /// Too few groups to split.
    #[error("{found} distinct groups are too few to split into parts: at least {needed} are needed")]
    TooFewGroups {
        /// Distinct groups among the rows.
        found: usize,
        /// The least number.
        needed: usize,
    },
    /// A tier whose labels are all alike.
    #[error("every label of tier {tier} is {label}: with one class only there is nothing to learn")]
    OneClass {
        /// Index of the tier, cheap → frontier.
        tier: usize,
        /// The only label.
        label: f64,
    },
    /// The solver failed.
    #[error("the logistic fit failed: {0}")]
    Solver(String),
}
