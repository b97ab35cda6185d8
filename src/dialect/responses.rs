//! OpenAI's Responses. The router keeps no conversations: each request brings its own.

mod answer;
pub mod encode;
pub mod read;

pub use answer::Frame;
pub use encode::Encoder;
pub use read::read;

#[cfg(test)]
mod tests;
