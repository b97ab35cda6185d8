//! Receipts: each record carries the hash of the one before it, so that an export can be held against itself.
//!
//! All hashes are SHA-256, in hexadecimal, over the canonical JSON of RFC 8785:
//! - `body` over the record without `receipt`, `request` and `answer`;
//! - `content` over `{"answer", "request"}`, where the record had any, so that both can be deleted or left out later;
//! - `hash` over the receipt itself without `hash`. The `previous` of a writer's first record is [`GENESIS`].

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A record's place in the chain of its writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who wrote it: a UUIDv7, new with each start of a router, and whenever a record could not be kept.
    pub writer: String,
    /// The writer's records so far, this one included.
    pub sequence: u64,
    /// The `hash` of the writer's record before.
    pub previous: String,
    /// The hash of the record's own fields.
    pub body: String,
    /// The hash of request and answer; `None` where neither was stored.
    pub content: Option<String>,
    /// The hash of all of this.
    pub hash: String,
}

/// The receipt without `hash`.
#[derive(Serialize)]
struct Hashed<'a> {
    writer: &'a str,
    sequence: u64,
    previous: &'a str,
    body: &'a str,
    content: Option<&'a str>,
}

/// What a writer's first record has as `previous`.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Receipt {
    /// What `hash` has to be.
    #[must_use]
    pub fn expected_hash(&self) -> String {
        let Self { writer, sequence, previous, body, content, hash: _ } = self;
        digest(&Hashed { writer, sequence: *sequence, previous, body, content: content.as_deref() })
    }
}

/// What `content` has to be; `None` where there is neither.
#[must_use]
pub fn content_digest(request: Option<&Value>, answer: Option<&str>) -> Option<String> {
    (request.is_some() || answer.is_some()).then(|| digest(&Content { request, answer }))
}

#[derive(Serialize)]
struct Content<'a> {
    request: Option<&'a Value>,
    answer: Option<&'a str>,
}

/// SHA-256 over the canonical form of a JSON value, in hexadecimal.
#[must_use]
pub fn digest(value: &impl Serialize) -> String {
    // Values hold nothing that has no canonical form; what could not be written would only be left out of the hash.
    let canonical = serde_json_canonicalizer::to_vec(value).unwrap_or_default();
    hex::encode(Sha256::digest(&canonical))
}

/// The same with a key, as HMAC; without one, the plain hash.
#[must_use]
pub fn keyed_digest(value: &Value, key: Option<&[u8]>) -> String {
    // A key of any length will do.
    let Some(Ok(mut hash)) = key.map(Hmac::<Sha256>::new_from_slice) else { return digest(value) };
    hash.update(&serde_json_canonicalizer::to_vec(value).unwrap_or_default());
    hex::encode(hash.finalize().into_bytes())
}

/// A writer's chain as far as it goes.
#[derive(Debug)]
pub(super) struct Chain {
    writer: String,
    sequence: u64,
    previous: String,
}

impl Chain {
    /// A chain of a new writer.
    pub(super) fn new() -> Self {
        Self { writer: Uuid::now_v7().to_string(), sequence: 0, previous: GENESIS.to_owned() }
    }

    /// The receipt of the next record.
    pub(super) fn next(&mut self, body: &str, content: Option<&str>) -> Receipt {
        self.sequence += 1;
        let mut receipt = Receipt {
            writer: self.writer.clone(),
            sequence: self.sequence,
            previous: std::mem::take(&mut self.previous),
            body: body.to_owned(),
            content: content.map(str::to_owned),
            hash: String::new(),
        };
        receipt.hash = receipt.expected_hash();
        self.previous.clone_from(&receipt.hash);
        receipt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_does_not_depend_on_order_or_spelling() {
        let a: Value = serde_json::from_str(r#"{"b": 1.0, "a": [1e2, "\u00e9"]}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":[100,"é"],"b":1}"#).unwrap();
        assert_eq!(digest(&a), digest(&b));
        // printf '{"a":[100,"é"],"b":1}' | sha256sum
        assert_eq!(digest(&a), "f5777dc0fb03eb5ad947b13e4d3be480244c35a358ace5f789e14a59bbc7c4dc");
    }

    #[test]
    fn each_receipt_names_the_one_before() {
        let mut chain = Chain::new();
        let (first, second) = (chain.next("x", None), chain.next("y", Some("z")));
        assert_eq!((first.sequence, first.previous.as_str()), (1, GENESIS));
        assert_eq!((second.sequence, &second.previous, &second.writer), (2, &first.hash, &first.writer));
        assert_eq!(second.hash, second.expected_hash());
        assert_ne!(Receipt { sequence: 3, ..second.clone() }.expected_hash(), second.hash);
    }
}
