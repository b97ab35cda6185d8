//! A JSON object read field by field, so that an error can name the field.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::Fault;

/// The fields of one object; `path` is where the object stands, with a trailing dot, or empty for the row itself.
pub(super) struct Fields<'a> {
    path: String,
    values: HashMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// Reads a whole line.
    pub(super) fn of_line(line: &'a str) -> Result<Self, Fault> {
        match serde_json::from_str(line) {
            Ok(values) => Ok(Self { path: String::new(), values }),
            Err(error) if error.is_data() => Err(Fault::row("a row must be a JSON object")),
            Err(error) => Err(malformed(line, &error)),
        }
    }

    /// Reads an object inside the row.
    pub(super) fn of_object(path: &str, raw: &'a RawValue) -> Result<Self, Fault> {
        let values = serde_json::from_str(raw.get())
            .map_err(|_| Fault::field(path, "must be an object, such as {\"score\": 1}"))?;
        Ok(Self { path: format!("{path}."), values })
    }

    /// The field's JSON text; `None` where it is absent or null.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.values.get(name).copied().filter(|raw| raw.get() != "null")
    }

    /// A field of one type; `expected` completes "must be …".
    pub(super) fn get<T: Deserialize<'a>>(&self, name: &str, expected: &str) -> Result<Option<T>, Fault> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|_| self.fault(name, expected, raw.get()))
    }

    /// A number that a condition must hold for.
    pub(super) fn number(&self, name: &str, expected: &str, holds: fn(f64) -> bool) -> Result<Option<f64>, Fault> {
        match self.get::<f64>(name, expected)? {
            Some(value) if !holds(value) => Err(self.fault(name, expected, &value.to_string())),
            value => Ok(value),
        }
    }

    /// A list of numbers that a condition must hold for.
    pub(super) fn numbers(
        &self,
        name: &str,
        expected: &str,
        holds: fn(f64) -> bool,
    ) -> Result<Option<Vec<f64>>, Fault> {
        let values = self.get::<Vec<f64>>(name, expected)?;
        match values.iter().flatten().find(|value| !holds(**value)) {
            Some(value) => Err(self.fault(name, expected, &value.to_string())),
            None => Ok(values),
        }
    }

    /// The fault of a field that is not what it must be.
    pub(super) fn fault(&self, name: &str, expected: &str, found: &str) -> Fault {
        let shown: String = found.chars().take(40).collect();
        let more = if shown.len() < found.len() { "…" } else { "" };
        Fault::field(format!("{}{name}", self.path), format!("must be {expected}, but is {shown}{more}"))
    }

    /// The fault of a field that is not there.
    pub(super) fn missing(&self, name: &str, expected: &str) -> Fault {
        Fault::field(format!("{}{name}", self.path), format!("is missing: it must be {expected}"))
    }
}

fn malformed(line: &str, error: &serde_json::Error) -> Fault {
    let reason = format!("malformed JSON: {error}").replace(" at line 1 column", " at column");
    let stopped = error.column().saturating_sub(1).min(line.len());
    match line.as_bytes()[stopped..].first() {
        // Python's json writes these; no JSON reader has to take them.
        Some(b'N' | b'I') => {
            Fault { field: field_before(line, stopped), reason: format!("{reason} (NaN and Infinity are not JSON)") }
        }
        _ => Fault { field: field_before(line, stopped), reason },
    }
}

/// The key whose value the reader stood at: `…"key": ^`.
fn field_before(line: &str, at: usize) -> Option<String> {
    let before = line.get(..at)?.trim_end().trim_end_matches('-').trim_end().strip_suffix(':')?;
    let key = before.trim_end().strip_suffix('"')?;
    key.rsplit_once('"').map(|(_, key)| key.to_owned())
}
