//! `rungs check-config FILE`: tries a configuration without serving.

use std::path::PathBuf;

use super::ready;
use crate::cli::Failure;
use crate::config::Config;
use crate::difficulty::Scorer;

/// Arguments of `rungs check-config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file.
    file: PathBuf,
}

/// Tries all that `serve` would: every value, key, address and file. Nothing is sent, and no database is opened.
///
/// # Errors
/// When a value is refused, or a key, an address or a file cannot be used.
pub fn run(args: &Args) -> Result<(), Failure> {
    let config = Config::load(Some(&args.file))?;
    config.auth.check_bind(config.server.bind.ip()).map_err(Failure::bad_input)?;
    config.log.place().map_err(Failure::bad_input)?;
    ready::tiers(&config)?;
    ready::receivers(&config)?;
    Scorer::open(&config).map_err(Failure::bad_input)?;
    eprintln!("{}: good ({} tiers, fingerprint {})", args.file.display(), config.tiers.len(), config.fingerprint());
    Ok(())
}
