//! Groups that are kept away from training, so that they can judge it.

use crate::difficulty::rows::place_of_group;
use crate::labelled::LabelledQuery;

/// Which groups are held out.
#[derive(Debug, clap::Args)]
pub(super) struct HoldOut {
    /// Hold out this share of the groups, by a hash of their names: `train` does not see them, `eval` sees nothing else.
    #[arg(long = "hold-out", value_name = "SHARE", value_parser = parse)]
    share: Option<f64>,
}

impl HoldOut {
    /// Whether training may see a query.
    pub(super) fn trains_on(&self, query: &LabelledQuery) -> bool {
        self.share.is_none_or(|share| place_of_group(query.cluster()) >= share)
    }

    /// Whether an evaluation is to see a query.
    pub(super) fn judges_on(&self, query: &LabelledQuery) -> bool {
        self.share.is_none_or(|share| place_of_group(query.cluster()) < share)
    }
}

fn parse(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if 0.0 < share && share < 1.0 => Ok(share),
        _ => Err("must be a number between 0 and 1, such as 0.2".to_owned()),
    }
}
