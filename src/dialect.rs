//! What requests and answers look like in other dialects than OpenAI's chat completions, which the router itself speaks.
//!
//! Pure translations, without IO. A request keeps the body that it came in ([`crate::chat::ChatRequest::native`]), and an
//! answer the words that it came in, so that nothing is translated between two ends of one dialect.

pub mod anthropic;
pub mod responses;
mod translation;

use serde::{Deserialize, Serialize};

use translation::Translation;

/// A way to ask a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// OpenAI's chat completions.
    #[default]
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's Responses, in which clients ask but tiers are not asked.
    #[serde(skip)]
    Responses,
}

#[cfg(test)]
mod tests;
