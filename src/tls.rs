//! What speaks TLS in this process.

/// Has every client and database connection speak TLS through ring. Only the first provider of a process is kept; a second one is
/// no error.
pub(crate) fn install() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
