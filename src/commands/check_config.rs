//! `rungs check-config FILE`: tries a configuration without serving.

use std::path::PathBuf;

use crate::alert::webhook::Caller;
use crate::cli::Failure;
use crate::config::{Config, TierConfig};
use crate::judge::Bench;

/// Arguments of `rungs check-config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file.
    file: PathBuf,
}

/// Reads the file, every value and every key that it names.
///
/// # Errors
/// When a value is refused or a key cannot be read.
pub fn run(args: &Args) -> Result<(), Failure> {
    let config = Config::load(Some(&args.file))?;
    for place in config.tiers.iter().flat_map(TierConfig::places) {
        place.read_key().map_err(Failure::bad_input)?;
    }
    for receiver in &config.alerts.receivers {
        Caller::new(receiver, &config.alerts).map_err(Failure::bad_input)?;
    }
    Bench::check(&config).map_err(Failure::bad_input)?;
    eprintln!("{}: good ({} tiers, fingerprint {})", args.file.display(), config.tiers.len(), config.fingerprint());
    Ok(())
}
