//! The integration tests: one binary, a module per area.

#[cfg(test)]
mod store;
