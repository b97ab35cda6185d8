//! The integration tests: one binary, a module per area.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod anthropic;
#[cfg(test)]
mod anything;
#[cfg(test)]
mod auth;
#[cfg(feature = "train")]
#[cfg(test)]
mod bootstrap;
#[cfg(test)]
mod budgets;
#[cfg(feature = "train")]
#[cfg(test)]
mod calibrate;
#[cfg(test)]
mod caps;
#[cfg(test)]
mod cascade;
#[cfg(feature = "train")]
#[cfg(test)]
mod cascade_eval;
#[cfg(feature = "train")]
#[cfg(test)]
mod check_config;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod confidence;
#[cfg(feature = "train")]
#[cfg(test)]
mod demo;
#[cfg(test)]
mod deploy;
#[cfg(feature = "train")]
#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod export;
#[cfg(test)]
mod failure;
#[cfg(all(test, feature = "fastembed"))]
mod fastembed;
#[cfg(test)]
mod fitness;
#[cfg(test)]
mod http;
#[cfg(test)]
mod init;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod observe;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod responses;
#[cfg(feature = "train")]
#[cfg(test)]
mod retrain;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sampling;
#[cfg(test)]
mod stickiness;
#[cfg(test)]
mod store;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod structured;
#[cfg(test)]
mod support;
#[cfg(test)]
mod traces;
#[cfg(feature = "train")]
#[cfg(test)]
mod training;
#[cfg(test)]
mod upstream;
#[cfg(feature = "train")]
#[cfg(test)]
mod verdicts;
