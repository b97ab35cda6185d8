//! What a model would have earned on the requests of the log.

use std::collections::HashMap;

use rungs_training::ope::{Judged, Logged, Value, value};
use serde::Serialize;

use super::holdout::{Choice, Contender};
use super::labels::{Row, request};
use crate::decisions::DecisionRecord;
use crate::difficulty::rows::group_number;
use crate::features::embedding::EmbedError;

/// The value of a model on the log, or why it cannot be told.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum OffPolicy {
    /// It can.
    Known(Value),
    /// It cannot.
    Refused {
        /// Why.
        refused: String,
    },
}

/// Estimates the value of a model from the requests of the log and the labels of those that were drawn.
///
/// Of a request with labels of both tiers it is known what either choice earns, so that the model's own choice counts whole
/// and only the draw is weighed. Such rows need no exploration; where there are none, the estimate is refused.
pub(super) fn off_policy(
    log: &[DecisionRecord],
    rows: &HashMap<&str, &Row>,
    ends: [&str; 2],
    model: Contender<'_>,
) -> Result<OffPolicy, EmbedError> {
    let mut logged = Vec::with_capacity(log.len());
    for record in log {
        let Ok(request) = request(record) else { continue };
        let choice = model.choose(&request)?;
        let row = rows.get(record.id.as_str()).copied();
        let group = row.map_or(record.id.as_str(), |row| row.query.cluster());
        logged.push(Logged {
            expected: choice.p[choice.at],
            judged: row.and_then(|row| judged(row, &choice, ends)),
            group: group_number(group),
        });
    }
    Ok(match value(&logged) {
        Ok(value) => OffPolicy::Known(value),
        Err(thin) => OffPolicy::Refused { refused: thin.to_string() },
    })
}

fn judged(row: &Row, choice: &Choice, ends: [&str; 2]) -> Option<Judged> {
    let reward = row.query.score_of(ends[choice.at])?;
    Some(Judged { ratio: 1.0, reward, predicted: choice.p[choice.at], propensity: row.propensity.min(1.0) })
}
