//! What the monitors remember beside their statistics.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::Scope;
use crate::drift::attribution::Anchors;
use crate::drift::key::Key;
use crate::drift::rate::Moved;
use crate::drift::sample::Judged;

/// What is kept beside the monitors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::drift) struct Notes {
    /// The last scores of anchors.
    pub(super) anchors: Anchors,
    /// Answers that failed lately: examples.
    failed: VecDeque<Failed>,
    /// Alarms of quality whose cause waits for anchors to be scored again.
    pub(super) suspected: Vec<(Key, Moved, Timestamp)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Failed {
    decision: String,
    at: Timestamp,
    route: Option<String>,
    tier: Option<String>,
    tenant: Option<String>,
}

/// Failed answers that are kept as examples.
const EXAMPLES: usize = 200;

impl Notes {
    pub(super) fn remember(&mut self, judged: &Judged) {
        self.failed.push_back(Failed {
            decision: judged.decision.clone(),
            at: judged.at,
            route: judged.route.clone(),
            tier: judged.tier.clone(),
            tenant: judged.tenant.clone(),
        });
        if self.failed.len() > EXAMPLES {
            self.failed.pop_front();
        }
    }

    /// Decisions that failed since then, newest first.
    pub(super) fn examples(&self, scope: &Scope, since: Timestamp) -> Vec<String> {
        let fits = |failed: &&Failed| {
            failed.at >= since
                && scope.covers(failed.route.as_deref(), failed.tenant.as_deref(), failed.tier.as_deref())
        };
        self.failed.iter().rev().filter(fits).take(5).map(|failed| failed.decision.clone()).collect()
    }
}
