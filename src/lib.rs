//! rungs: a learned difficulty router and cascade engine for LLM traffic.
//!
//! `docs/architecture.md` walks along the data: request → features → score → plan → tier call → confidence →
//! answer and decision record.

pub mod alert;
#[cfg(feature = "train")]
pub mod bootstrap;
pub mod budgets;
pub mod cascade;
#[cfg(feature = "train")]
pub mod cascade_eval;
pub mod chat;
pub mod cli;
mod client;
pub mod commands;
pub mod config;
pub mod database;
pub mod decisions;
#[cfg(feature = "train")]
pub mod demo;
pub mod dialect;
pub mod difficulty;
#[cfg(feature = "fastembed")]
pub mod distill;
pub mod drift;
pub mod features;
pub mod http;
pub mod init;
pub mod judge;
pub mod labelled;
pub mod leader;
pub mod meters;
pub mod policy;
pub mod registry;
#[cfg(feature = "train")]
pub mod retrain;
pub mod standin;
pub mod telemetry;
mod tls;
mod trouble;
pub mod upstream;
