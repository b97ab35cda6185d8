//! One file per subcommand; each parses its arguments, calls the library and prints.

#[cfg(feature = "train")]
pub mod ablate;
pub mod alerts;
#[cfg(feature = "train")]
pub mod bootstrap;
#[cfg(feature = "train")]
pub mod calibrate;
#[cfg(feature = "train")]
pub mod cascade_eval;
pub mod check_config;
mod data;
#[cfg(feature = "train")]
pub mod demo;
#[cfg(feature = "fastembed")]
pub mod distill;
pub mod drift;
#[cfg(feature = "train")]
pub mod eval;
pub mod export;
#[cfg(feature = "train")]
mod fit;
#[cfg(feature = "train")]
mod hold_out;
pub mod init;
pub mod judge;
mod judging;
pub mod launch;
mod log;
mod model;
pub mod models;
pub mod new_key;
pub mod openapi;
mod output;
#[cfg(feature = "train")]
mod prices;
mod ready;
pub mod replay;
pub mod report;
#[cfg(feature = "train")]
pub mod retrain;
pub mod score;
pub mod serve;
mod signals;
mod since;
#[cfg(feature = "train")]
pub mod train;
pub mod verify;
mod workers;
