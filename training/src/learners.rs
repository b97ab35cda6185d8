//! The models of the tiers: each gives probabilities of acceptability.

pub mod domains;
pub mod extra_trees;
mod lbfgs;
pub mod linfa_logistic;
pub mod logistic;
pub mod neighbours;
