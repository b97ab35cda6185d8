//! Which requests an alert or a monitor speaks of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Those that have all of these; all requests where nothing is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The tier that served, or was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The endpoint of the tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Which of two things that may move apart: `up`, `down`, `30%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

impl Scope {
    /// What is set, by name.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("route", &self.route),
            ("tier", &self.tier),
            ("tenant", &self.tenant),
            ("endpoint", &self.endpoint),
            ("line", &self.line),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// The same as labels.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.parts().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Whether a request of this route, tenant and tier is one of them.
    #[must_use]
    pub fn covers(&self, route: Option<&str>, tenant: Option<&str>, tier: Option<&str>) -> bool {
        let fits = |wanted: &Option<String>, has: Option<&str>| wanted.is_none() || wanted.as_deref() == has;
        fits(&self.route, route) && fits(&self.tenant, tenant) && fits(&self.tier, tier)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.parts().map(|(name, value)| format!("{name} {value}")).collect();
        if parts.is_empty() { f.write_str("all requests") } else { f.write_str(&parts.join(", ")) }
    }
}
