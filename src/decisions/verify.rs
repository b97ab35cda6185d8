//! Holds exported records against their receipts.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::receipt::{GENESIS, Receipt, content_digest, digest};

/// What was found in a chain of records, line by line.
#[derive(Debug, Default)]
pub struct Verifier {
    chains: HashMap<String, Link>,
    found: Verified,
    /// The records that the first finding misses: they may come later, and are then out of order.
    missing: Option<(String, u64)>,
}

/// What is expected next of a writer.
#[derive(Debug)]
struct Link {
    sequence: u64,
    previous: String,
}

/// What was found in all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verified {
    /// Records read.
    pub records: u64,
    /// Writers whose chains they are.
    pub writers: u64,
    /// Chains that do not begin with their writer's first record: what came before is not here.
    pub begun_later: u64,
    /// Records whose request and answer are not here, only their hash.
    pub without_content: u64,
    /// Records from before there were receipts: nothing can be said of them.
    pub without_receipt: u64,
    /// The first thing that is wrong.
    pub first: Option<Finding>,
}

/// A record that is not what or where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong with it.
    pub fault: Fault,
    /// The record's id; of missing ones, that of the record before which they are missing.
    pub id: String,
    /// The file and the line.
    pub place: String,
    /// In words.
    pub detail: String,
}

/// What may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It is not what was written.
    Altered,
    /// Records before it are gone.
    Missing,
    /// It is not where it was written, or there twice.
    Reordered,
}

/// What an export adds to a record.
const ADDED: [&str; 2] = ["feedback", "verdicts"];

impl Verifier {
    /// Looks at the next record; `place` is where it stands.
    ///
    /// # Errors
    /// When the line is not a record.
    pub fn push(&mut self, line: &[u8], place: &str) -> Result<(), String> {
        let mut record: Map<String, Value> =
            serde_json::from_slice(line).map_err(|error| format!("{place}: not a JSON object: {error}"))?;
        let id = record.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if id.is_empty() {
            return Err(format!("{place}: not a decision record: it has no `id`"));
        }
        self.found.records += 1;
        let Some(receipt) = record.remove("receipt") else {
            self.found.without_receipt += 1;
            return Ok(());
        };
        let receipt: Receipt =
            serde_json::from_value(receipt).map_err(|error| format!("{place}: `receipt` of {id}: {error}"))?;
        if let Some((fault, detail)) = self.altered(&mut record, &receipt).or_else(|| self.misplaced(&receipt)) {
            self.find(Finding { fault, id, place: place.to_owned(), detail }, &receipt);
        }
        self.turns_up(&receipt);
        self.follow(receipt);
        Ok(())
    }

    /// What was found in all.
    #[must_use]
    pub fn end(mut self) -> Verified {
        self.found.writers = self.chains.len() as u64;
        self.found
    }

    fn altered(&mut self, record: &mut Map<String, Value>, receipt: &Receipt) -> Option<(Fault, String)> {
        let altered = |what: &str| Some((Fault::Altered, format!("{what} is not what was written")));
        let taken = |value: Option<Value>| value.filter(|value| !value.is_null());
        let (request, answer) = (taken(record.remove("request")), taken(record.remove("answer")));
        ADDED.iter().for_each(|name| drop(record.remove(*name)));
        if receipt.hash != receipt.expected_hash() {
            return altered("its receipt");
        }
        if receipt.body != digest(&Value::Object(std::mem::take(record))) {
            return altered("the record");
        }
        match content_digest(request.as_ref(), answer.as_ref().and_then(Value::as_str)) {
            None => self.found.without_content += u64::from(receipt.content.is_some()),
            found if found != receipt.content => return altered("its request or answer"),
            Some(_) => {}
        }
        None
    }

    fn misplaced(&self, receipt: &Receipt) -> Option<(Fault, String)> {
        let link = self.chains.get(&receipt.writer)?;
        let (due, is) = (link.sequence, receipt.sequence);
        if is < due {
            return Some((
                Fault::Reordered,
                format!("it is number {is} of its writer and comes after number {}", due - 1),
            ));
        }
        if is > due {
            return Some((Fault::Missing, format!("numbers {due} to {} of its writer are not before it", is - 1)));
        }
        let detail = format!("number {} of its writer is not the record that was written before it", due - 1);
        (receipt.previous != link.previous).then_some((Fault::Altered, detail))
    }

    fn find(&mut self, finding: Finding, receipt: &Receipt) {
        if self.found.first.is_some() {
            return;
        }
        if finding.fault == Fault::Missing {
            let due = self.chains.get(&receipt.writer).map_or(0, |link| link.sequence);
            self.missing = Some((receipt.writer.clone(), due));
        }
        self.found.first = Some(finding);
    }

    /// A record that was missed and comes later was not missing but out of order.
    fn turns_up(&mut self, receipt: &Receipt) {
        let is_it =
            self.missing.as_ref().is_some_and(|(writer, due)| *writer == receipt.writer && *due == receipt.sequence);
        if is_it && let Some(first) = &mut self.found.first {
            first.fault = Fault::Reordered;
            first.detail = format!("number {} of its writer comes after it", receipt.sequence);
        }
    }

    fn follow(&mut self, receipt: Receipt) {
        let is_new = !self.chains.contains_key(&receipt.writer);
        self.found.begun_later += u64::from(is_new && receipt.previous != GENESIS);
        let link = Link { sequence: receipt.sequence + 1, previous: receipt.hash };
        if self.chains.get(&receipt.writer).is_none_or(|known| known.sequence < link.sequence) {
            self.chains.insert(receipt.writer, link);
        }
    }
}

#[cfg(test)]
mod tests;
