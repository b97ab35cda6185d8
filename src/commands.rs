//! One file per subcommand; each parses its arguments, calls the library and prints.

pub mod check_config;
mod data;
#[cfg(feature = "fastembed")]
pub mod distill;
#[cfg(feature = "train")]
pub mod demo;
#[cfg(feature = "train")]
pub mod eval;
pub mod replay;
pub mod score;
pub mod serve;
mod signals;
#[cfg(feature = "train")]
pub mod train;
