//! Message content: a string, or a list of parts of which some are text.

use serde::Deserialize;

/// Content as requests and answers write it.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "`content` must be a string or a list of content parts")]
pub(crate) enum Content {
    /// Text alone.
    Text(String),
    /// Parts of several kinds.
    Parts(Vec<Part>),
}

/// A part; one without text is an attachment.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    #[serde(default)]
    text: Option<String>,
}

impl Content {
    /// The texts, joined by `separator`.
    pub(crate) fn text(self, separator: &str) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => {
                let texts: Vec<String> = parts.into_iter().filter_map(|part| part.text).collect();
                texts.join(separator)
            }
        }
    }

    /// How many parts are not text.
    pub(crate) fn attachments(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::Parts(parts) => parts.iter().filter(|part| part.text.is_none()).count(),
        }
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Parts(parts) => parts.is_empty(),
        }
    }
}
