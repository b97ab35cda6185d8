//! Anchors as files have them: JSON lines, plain or compressed.

use std::path::Path;

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use super::{Anchor, Recorded};
use crate::judge::verdict::Preference;
use crate::labelled::Source;

/// What a file brought.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Imported {
    /// The anchors.
    #[serde(skip)]
    pub anchors: Vec<Anchor>,
    /// Rows on which people do not agree: they are no anchors.
    pub undecided: u64,
}

/// Why a row is no anchor: which file and line, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAnchor(String);

/// A row: `answer_1` was compared with `answer_2`, or judged by itself.
#[derive(Deserialize)]
struct Row {
    id: String,
    prompt: String,
    answer_1: Answer,
    #[serde(default)]
    answer_2: Option<Answer>,
    /// 1 or 2: the better answer; 0: neither.
    #[serde(default)]
    gold: Option<u8>,
    /// Of an answer that was judged by itself.
    #[serde(default)]
    acceptable: Option<bool>,
    /// What each of several people said; they outrank nothing where `gold` is there.
    #[serde(default)]
    annotators: Vec<u8>,
    #[serde(default)]
    verdicts: Vec<Said>,
}

/// An answer; some sets hold a bare `true` or `42` as a value.
#[derive(Deserialize)]
#[serde(untagged, expecting = "an answer must be a text")]
enum Answer {
    Text(String),
    Truth(bool),
    Number(serde_json::Number),
}

#[derive(Deserialize)]
struct Said {
    judge: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    swapped: Option<bool>,
    /// 1, 2 or 0; nothing where the judge gave no verdict.
    #[serde(default)]
    winner: Option<u8>,
}

/// Reads a file: a row a line, unknown keys ignored. Where there is no `gold`, it is what most annotators say, and each annotator
/// counts as a judge who is held against what the others agree on.
///
/// # Errors
/// When the file cannot be read, or a row is no anchor.
pub fn read(path: &Path) -> Result<Imported, BadAnchor> {
    let fail = |place: &str, error: &dyn std::fmt::Display| BadAnchor(format!("{}{place}: {error}", path.display()));
    let mut source = Source::open(path, &ProgressBar::hidden()).map_err(|error| fail("", &error))?;
    let (mut imported, mut line) = (Imported::default(), Vec::new());
    for number in 1.. {
        let place = format!(":{number}");
        if !source.read_line(&mut line).map_err(|error| fail(&place, &error))? {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row: Row = serde_json::from_slice(&line).map_err(|error| fail(&place, &error))?;
        match row.anchor().map_err(|error| fail(&place, &error))? {
            Some(anchor) => imported.anchors.push(anchor),
            None => imported.undecided += 1,
        }
    }
    Ok(imported)
}

impl Row {
    /// The anchor; `None` where people do not agree.
    fn anchor(self) -> Result<Option<Anchor>, String> {
        let winners = self.annotators.iter().map(|winner| preference(*winner)).collect::<Result<Vec<_>, _>>()?;
        let gold = match (self.gold, self.acceptable, winners.is_empty()) {
            (Some(winner), None, _) => Some(preference(winner)?),
            (None, Some(true), _) => Some(Preference::Win),
            (None, Some(false), _) => Some(Preference::Loss),
            (None, None, false) => majority(&winners),
            _ => return Err("give `gold` (1, 2 or 0), `acceptable` or `annotators`".to_owned()),
        };
        if self.acceptable.is_some() == self.answer_2.is_some() {
            return Err("`acceptable` is for an answer alone, `gold` and `annotators` for two".to_owned());
        }
        let Some(gold) = gold else { return Ok(None) };
        let mut recorded = self.verdicts.into_iter().filter_map(Said::recorded).collect::<Result<Vec<_>, _>>()?;
        if self.gold.is_none() {
            recorded.extend(against_the_others(&winners));
        }
        let (id, prompt) = (self.id, self.prompt);
        let (answer, other) = (self.answer_1.text(), self.answer_2.map(Answer::text));
        Ok(Some(Anchor { id, prompt, answer, other, gold, recorded }))
    }
}

impl Said {
    fn recorded(self) -> Option<Result<Recorded, String>> {
        let judge = self.method.map_or(self.judge.clone(), |method| format!("{} {method}", self.judge));
        let recorded = |preference| Recorded { judge, swapped: self.swapped, preference, gold: None };
        Some(preference(self.winner?).map(recorded))
    }
}

impl Answer {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Truth(truth) => truth.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// What each annotator said, beside what all others say, where these agree.
fn against_the_others(winners: &[Preference]) -> Vec<Recorded> {
    let of = |(i, said): (usize, &Preference)| {
        let mut others = winners.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, said)| *said);
        let first = others.next()?;
        others.all(|other| other == first).then(|| Recorded {
            judge: format!("annotator {}", i + 1),
            swapped: None,
            preference: *said,
            gold: Some(first),
        })
    };
    winners.iter().enumerate().filter_map(of).collect()
}

/// What more than half of them say.
fn majority(winners: &[Preference]) -> Option<Preference> {
    let count = |one: Preference| winners.iter().filter(|said| **said == one).count();
    [Preference::Win, Preference::Tie, Preference::Loss].into_iter().find(|one| 2 * count(*one) > winners.len())
}

fn preference(winner: u8) -> Result<Preference, String> {
    match winner {
        0 => Ok(Preference::Tie),
        1 => Ok(Preference::Win),
        2 => Ok(Preference::Loss),
        other => Err(format!("a winner is 1, 2 or 0 for a tie, not {other}")),
    }
}
