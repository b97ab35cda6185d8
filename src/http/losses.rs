//! What of a request its tier's dialect has no words for, said in a header.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::state::App;
use crate::chat::ChatRequest;
use crate::dialect::{Dialect, anthropic};

const WARNING: HeaderName = HeaderName::from_static("x-rungs-warning");

/// What is lost on the way to a tier of each dialect.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Losses {
    openai: Vec<String>,
    anthropic: Vec<String>,
}

impl Losses {
    pub(super) fn of(request: &ChatRequest) -> Self {
        let mut anthropic = anthropic::not_carried(request);
        if request.native(Dialect::Anthropic).is_none() {
            anthropic.extend_from_slice(request.lost());
        }
        Self { openai: request.lost().to_vec(), anthropic }
    }

    /// Names in the headers what did not reach this tier.
    pub(super) fn tell(&self, app: &App, tier: &str, headers: &mut HeaderMap) {
        let lost = match app.tier(tier).map(|tier| tier.kind) {
            Some(Dialect::Anthropic) => &self.anthropic,
            Some(Dialect::OpenAi | Dialect::Responses) | None => &self.openai,
        };
        if lost.is_empty() {
            return;
        }
        // Names come from the client: what no header can carry is left out.
        let names: String = lost.join(", ").chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(1000).collect();
        if let Ok(value) = HeaderValue::from_str(&format!("not carried over to the tier {tier}: {names}")) {
            headers.insert(WARNING, value);
        }
    }
}
