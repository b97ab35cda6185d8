//! The HTTP client that everything here calls others with.

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;

use crate::tls;

/// A client that names this program and follows no redirect: what is sent, and the keys with it, is for the configured
/// address alone. Whoever takes it adds its own time limits.
pub(crate) fn client() -> ClientBuilder {
    tls::install();
    reqwest::Client::builder().user_agent(concat!("rungs/", env!("CARGO_PKG_VERSION"))).redirect(Policy::none())
}
