//! Recorded answers replayed through router, cascade and their union: what each would have cost, and how good it would
//! have been.

mod calls;
mod figures;
mod predicted;
mod prices;
mod report;

pub use calls::Calls;
pub use figures::Figures;
pub use predicted::{EvalError, Predicted, Source};
pub use prices::PriceSource;
pub use report::{html, summary};
