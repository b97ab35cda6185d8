//! JSON schemas that strangers wrote, applied within bounds of size and time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// Compiles schemas, keeps the last ones used and applies them. A schema that refers to another document is not used:
/// nothing is ever fetched.
#[derive(Debug)]
pub(crate) struct Schemas {
    /// Least lately used first; `None` for one that cannot be used.
    known: Arc<Mutex<IndexMap<Key, Option<Arc<Validator>>>>>,
    /// Validations that may run at once.
    places: Arc<Semaphore>,
}

type Key = [u8; 32];

/// Longer schemas are not used.
const LONGEST: usize = 256 << 10;

/// Compiled schemas that are kept.
const KNOWN: usize = 64;

/// Validations at once.
const PLACES: usize = 4;

/// A validation that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Steps back that a regular expression of a schema may take on one text.
const BACKTRACKS: usize = 100_000;

/// Bytes that the automaton of one may take.
const AUTOMATON: usize = 1 << 20;

impl Default for Schemas {
    fn default() -> Self {
        Self { known: Arc::default(), places: Arc::new(Semaphore::new(PLACES)) }
    }
}

impl Schemas {
    /// Whether a value fulfils a schema; `None` where that cannot be told: the schema is not one, is longer than
    /// 256 KiB or refers to another document, or the validation takes longer than a second.
    pub(crate) async fn fulfils(&self, schema: &str, value: Value) -> Option<bool> {
        if schema.len() > LONGEST {
            return None;
        }
        let key: Key = Sha256::digest(schema).into();
        let known = self.recall(key);
        if let Some(None) = known {
            return None;
        }
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await.ok()?.ok()?;
        let verdict = self.start(key, schema.to_owned(), known.flatten(), value, place)?;
        match timeout(PATIENCE, verdict).await {
            Ok(verdict) => verdict.ok().flatten(),
            Err(_) => {
                tracing::warn!("a JSON schema takes too long and is not used");
                remember(&self.known, key, None);
                None
            }
        }
    }

    /// Validates in a thread of its own: a validation cannot be interrupted, and one that is given up may go on for ever.
    /// It then holds neither a worker nor the end of the process up, only its place.
    fn start(
        &self,
        key: Key,
        schema: String,
        known: Option<Arc<Validator>>,
        value: Value,
        place: OwnedSemaphorePermit,
    ) -> Option<oneshot::Receiver<Option<bool>>> {
        let (sender, receiver) = oneshot::channel();
        let all = Arc::clone(&self.known);
        let run = move || {
            let validator = known.or_else(|| {
                let compiled = compile(&schema).map(Arc::new);
                remember(&all, key, compiled.clone());
                compiled
            });
            // The caller may have given up.
            let _ = sender.send(validator.map(|validator| validator.is_valid(&value)));
            drop(place);
        };
        std::thread::Builder::new().name("json-schema".to_owned()).spawn(run).ok()?;
        Some(receiver)
    }

    fn recall(&self, key: Key) -> Option<Option<Arc<Validator>>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.get_index_of(&key)?;
        let last = known.len() - 1;
        known.move_index(place, last);
        known.get(&key).cloned()
    }
}

fn remember(known: &Mutex<IndexMap<Key, Option<Arc<Validator>>>>, key: Key, validator: Option<Arc<Validator>>) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(key, validator);
    if known.len() > KNOWN {
        known.shift_remove_index(0);
    }
}

fn compile(schema: &str) -> Option<Validator> {
    let schema: Value = serde_json::from_str(schema).ok()?;
    let patterns =
        PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS).size_limit(AUTOMATON).dfa_size_limit(AUTOMATON);
    let options = jsonschema::options().with_pattern_options(patterns).offline();
    options
        .build(&schema)
        .inspect_err(|error| tracing::debug!(error = %error.masked(), "a JSON schema is not used"))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn fulfils(schema: &Value, value: Value) -> Option<bool> {
        Schemas::default().fulfils(&schema.to_string(), value).await
    }

    #[tokio::test]
    async fn values_are_judged() {
        let schema = json!({"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"],
            "additionalProperties": false});
        assert_eq!(fulfils(&schema, json!({"age": 7})).await, Some(true));
        for other in [json!({"age": "7"}), json!({"age": -1}), json!({}), json!({"age": 7, "x": 1}), json!([7])] {
            assert_eq!(fulfils(&schema, other).await, Some(false));
        }
    }

    #[tokio::test]
    async fn an_unusable_schema_judges_nothing_and_fetches_nothing() {
        let server = wiremock::MockServer::start().await;
        let remote = json!({"$ref": format!("{}/schema.json", server.uri())});
        for schema in
            [remote, json!({"$ref": "file:///etc/hostname"}), json!({"type": "objct"}), json!({"pattern": "("})]
        {
            assert_eq!(fulfils(&schema, json!({})).await, None, "{schema}");
        }
        assert_eq!(Schemas::default().fulfils("{", json!({})).await, None);
        assert_eq!(fulfils(&json!({"title": "x".repeat(LONGEST)}), json!({})).await, None);
        assert!(server.received_requests().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn schemas_that_refer_to_themselves_and_wild_patterns_end() {
        let wild = json!("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
        assert_eq!(fulfils(&json!({"pattern": r"^(?=(a+)+$)b|(a|aa)+\1$"}), wild).await, Some(false));
        assert_eq!(fulfils(&json!({"allOf": [{"$ref": "#"}]}), json!(1)).await, Some(true));
    }

    #[tokio::test]
    async fn a_validation_that_takes_too_long_is_given_up_and_not_begun_again() {
        // Each level doubles the work: 2^27 steps take seconds even when optimised, and end before the tests do.
        const LEVELS: usize = 27;
        let schemas = Schemas::default();
        let next = |i: usize| json!({"$ref": format!("#/$defs/{i}")});
        let mut definitions: serde_json::Map<_, _> =
            (0..LEVELS).map(|i| (i.to_string(), json!({"allOf": [next(i + 1), next(i + 1)]}))).collect();
        definitions.insert(LEVELS.to_string(), json!({"type": "integer"}));
        let schema = json!({"$defs": definitions, "$ref": "#/$defs/0"}).to_string();
        assert_eq!(schemas.fulfils(&schema, json!(1)).await, None);
        let again = tokio::time::Instant::now();
        assert_eq!(schemas.fulfils(&schema, json!(1)).await, None);
        assert!(again.elapsed() < PATIENCE / 2);
        assert_eq!(schemas.places.available_permits(), PLACES - 1);
    }

    #[tokio::test]
    async fn only_the_last_schemas_are_kept() {
        let schemas = Schemas::default();
        let title = |i: usize| json!({"title": i.to_string()}).to_string();
        for i in 0..KNOWN {
            assert_eq!(schemas.fulfils(&title(i), json!(1)).await, Some(true));
        }
        schemas.fulfils(&title(0), json!(1)).await;
        schemas.fulfils(&title(KNOWN), json!(1)).await;
        let has = |i: usize| schemas.recall(Sha256::digest(title(i)).into()).is_some();
        assert_eq!((has(0), has(1), has(KNOWN)), (true, false, true));
    }
}
