//! The provider-neutral request and answer that every part of the router speaks.

pub mod answer;
pub(crate) mod content;
pub mod message;
pub mod native;
pub mod request;
pub mod usage;

pub use answer::{Answer, TokenLogprob, ToolCall};
pub use message::{Message, Role};
pub use native::Native;
pub use request::{ChatRequest, InvalidRequest};
pub use usage::Usage;
