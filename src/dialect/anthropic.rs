//! Anthropic's Messages.

pub mod answer;
pub mod ask;
mod blocks;
pub mod decode;
pub mod encode;
pub mod read;
mod reason;

pub use answer::{completion, message};
pub use ask::{ask, not_carried};
pub use decode::Decoder;
pub use encode::Encoder;
pub use read::read;

#[cfg(test)]
mod tests;
