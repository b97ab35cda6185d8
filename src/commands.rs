//! One file per subcommand; each parses its arguments, calls the library and prints.

pub mod check_config;
pub mod replay;
pub mod serve;
mod signals;
