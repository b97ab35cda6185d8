//! Measures an answer and says whether it passes.

use super::confidence;
use super::form::form;
use super::schemas::Schemas;
use crate::chat::{Answer, ChatRequest};
use crate::config::CascadeConfig;
use crate::decisions::{EscalationReason, Signals};

/// What every answer is held against. One serves all requests.
#[derive(Debug)]
pub(super) struct Examiner {
    pub(super) config: CascadeConfig,
    schemas: Schemas,
}

impl Examiner {
    pub(super) fn new(config: CascadeConfig) -> Self {
        Self { config, schemas: Schemas::default() }
    }

    /// What can be measured of an answer. `agreement` is the share of the samples that it speaks for, where several were
    /// drawn.
    pub(super) async fn measure(&self, request: &ChatRequest, answer: &Answer, agreement: Option<f64>) -> Signals {
        Signals { form: form(&self.schemas, request, answer).await, ..confidence::measure(answer, agreement) }
    }

    /// Why an answer is not good enough; `None` when it passes.
    pub(super) fn check(&self, request: &ChatRequest, answer: &Answer, signals: Signals) -> Option<EscalationReason> {
        confidence::check(request, answer, signals, &self.config)
    }
}
