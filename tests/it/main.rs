//! The integration tests: one binary, a module per area.

#[cfg(test)]
mod replay;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod store;
#[cfg(test)]
mod support;
