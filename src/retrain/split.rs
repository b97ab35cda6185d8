//! What the challenger learns from and what it is judged by.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rungs_training::weights::{training_weight, with_mean_one};

use super::labels::Row;
use crate::config::RetrainConfig;
use crate::difficulty::rows::place_of_group;
use crate::labelled::LabelledQuery;

/// The labels, divided.
#[derive(Debug)]
pub(super) struct Split {
    /// What is learned from, weighted.
    pub(super) learned: Vec<LabelledQuery>,
    /// The latest conversations of the log, whole, weighted by 1/π.
    pub(super) holdout: Vec<LabelledQuery>,
    /// The part of the replay set that is not learned from.
    pub(super) replay: Vec<LabelledQuery>,
    /// Rows of the log that are learned from.
    pub(super) from_log: usize,
}

const DAY_S: f64 = 86_400.0;

/// Divides rows of the log by time and rows of the replay set by a hash, neither within a conversation or group.
pub(super) fn split(rows: Vec<Row>, replay: Vec<LabelledQuery>, config: &RetrainConfig) -> Split {
    let late = latest(&rows, config.holdout_share);
    let newest = rows.iter().map(|row| row.at).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let (holdout, early): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| late.contains(row.query.cluster()));
    let weight = |row: &Row| {
        let age = newest.duration_since(row.at).as_secs_f64() / DAY_S;
        training_weight(row.propensity, age, config.half_life_days)
    };
    // A row of the log counts one on average, as one of the replay set does, however rarely it was drawn.
    let weights = with_mean_one(&early.iter().map(weight).collect::<Vec<_>>());
    let (held, kept): (Vec<_>, Vec<_>) =
        replay.into_iter().partition(|query| place_of_group(query.cluster()) < config.holdout_share);
    let from_log = early.len();
    let queries = early.into_iter().map(|row| row.query).chain(kept.clone());
    let all = weights.iter().copied().chain(shared(&kept, weights.iter().sum(), config.replay_share));
    let all = with_mean_one(&all.collect::<Vec<_>>());
    Split {
        learned: queries.zip(all).map(|(query, weight)| LabelledQuery { weight, ..query }).collect(),
        holdout: holdout.into_iter().map(|row| LabelledQuery { weight: 1.0 / row.propensity, ..row.query }).collect(),
        replay: held,
        from_log,
    }
}

/// The conversations that ended last.
fn latest(rows: &[Row], share: f64) -> HashSet<String> {
    let mut ended: HashMap<&str, Timestamp> = HashMap::new();
    for row in rows {
        let end = ended.entry(row.query.cluster()).or_insert(row.at);
        *end = (*end).max(row.at);
    }
    let mut ended: Vec<(Timestamp, &str)> = ended.into_iter().map(|(group, end)| (end, group)).collect();
    ended.sort_unstable();
    let first = ended.len() - (ended.len() as f64 * share).round() as usize;
    ended.into_iter().skip(first).map(|(_, group)| group.to_owned()).collect()
}

/// The weights of the replay rows: their own, but all together no more than their share.
fn shared(rows: &[LabelledQuery], of_log: f64, share: f64) -> Vec<f64> {
    let own: f64 = rows.iter().map(|row| row.weight).sum();
    let most = if of_log > 0.0 { of_log * share / (1.0 - share) } else { own };
    let factor = (most / own.max(f64::MIN_POSITIVE)).min(1.0);
    rows.iter().map(|row| row.weight * factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatRequest;

    fn query(id: &str, group: &str) -> LabelledQuery {
        LabelledQuery {
            id: id.to_owned(),
            request: ChatRequest::from_prompt(id),
            route: None,
            domain: None,
            group: Some(group.to_owned()),
            split: None,
            weight: 1.0,
            outcomes: indexmap::IndexMap::new(),
        }
    }

    fn row(day: i64, group: &str, propensity: f64) -> Row {
        let at = Timestamp::from_second(day * 86_400).unwrap();
        Row { query: query(&day.to_string(), group), at, propensity, copies: 1 }
    }

    #[test]
    fn the_latest_conversations_are_held_out_whole() {
        let mut rows: Vec<Row> = (0..9).map(|day| row(day, &format!("g{day}"), 0.5)).collect();
        // A conversation that began first and ended last.
        rows.push(row(100, "g0", 0.5));
        let config = RetrainConfig { holdout_share: 0.2, ..RetrainConfig::default() };
        let split = split(rows, Vec::new(), &config);
        let held: Vec<&str> = split.holdout.iter().map(|query| query.id.as_str()).collect();
        assert_eq!(held, ["0", "8", "100"]);
        assert_eq!((split.learned.len(), split.from_log), (7, 7));
        assert!(split.holdout.iter().all(|query| query.weight == 2.0));
    }

    #[test]
    fn weights_fall_with_age_rise_with_rarity_and_the_replay_set_has_no_more_than_its_share() {
        let rows = vec![row(0, "a", 0.5), row(30, "b", 0.5), row(30, "c", 0.01), row(30, "d", 0.5)];
        let replay: Vec<LabelledQuery> = (0..200).map(|i| query(&format!("r{i}"), &format!("r{i}"))).collect();
        let config = RetrainConfig { holdout_share: 0.25, replay_share: 0.5, ..RetrainConfig::default() };
        let split = split(rows, replay, &config);
        let (log, kept) = split.learned.split_at(split.from_log);
        // The clip at 20 holds the rarest.
        assert!(
            (log[1].weight / log[0].weight - 2.0).abs() < 1e-12 && (log[2].weight / log[1].weight - 10.0).abs() < 1e-12
        );
        let sum = |rows: &[LabelledQuery]| rows.iter().map(|row| row.weight).sum::<f64>();
        assert!((sum(log) - sum(kept)).abs() < 1e-9, "{} {}", sum(log), sum(kept));
        assert!(split.replay.len() > 20 && split.replay.len() + kept.len() == 200);
    }
}
