//! What has to be in order before a configuration serves: `serve` and a reload begin with it, `check-config` ends with it.

use crate::alert::webhook::Caller;
use crate::cli::Failure;
use crate::config::{Config, ReceiverConfig};
use crate::judge::Bench;
use crate::standin;
use crate::upstream::Tier;

/// The tiers, with their keys read; the stand-ins where none are configured.
///
/// # Errors
/// When a key, an address or what the judge takes cannot be used.
pub(super) fn tiers(config: &Config) -> Result<Vec<Tier>, Failure> {
    Bench::check(config).map_err(Failure::bad_input)?;
    if config.tiers.is_empty() {
        return standin::tiers().map_err(Failure::from);
    }
    config.tiers.iter().map(|tier| Tier::open(tier.clone(), &config.upstreams).map_err(Failure::bad_input)).collect()
}

/// Whether everybody who is to be told of alerts can be called.
///
/// # Errors
/// When an address or a secret cannot be used.
pub(super) fn receivers(config: &Config) -> Result<(), Failure> {
    let check = |receiver: &ReceiverConfig| Caller::new(receiver, &config.alerts).map(drop);
    config.alerts.receivers.iter().try_for_each(check).map_err(Failure::bad_input)
}
