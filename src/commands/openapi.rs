//! `rungs openapi`: what the endpoints take and give, as OpenAPI.

use std::io::Write;

use anyhow::Context;

use crate::cli::Failure;
use crate::http::openapi;

/// Prints the document that `GET /openapi.json` gives.
///
/// # Errors
/// When it cannot be read or printed.
pub fn run() -> Result<(), Failure> {
    let document = openapi::document().context("the embedded document")?;
    let text = serde_json::to_string_pretty(&document).context("the embedded document")?;
    writeln!(std::io::stdout(), "{text}").context("the document cannot be printed").map_err(Failure::from)
}
