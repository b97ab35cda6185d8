//! The judge: what is kept of it, the worker, its judges, batches and estimates.

mod anchors;
mod batch;
mod commands;
mod end_to_end;
mod kept;
mod observed;
pub(crate) mod scripted;
mod worker;
