//! The file around an artifact: a format, a checksum and the body that it covers.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

/// Raised whenever a reader of the one before could misread a file.
const FORMAT: &str = "rungs-artifact/1";

/// Why an artifact is refused: which file, the reason, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file is not there or cannot be read.
    #[error("model {origin}: {source}: `rungs train --out DIR` writes one")]
    Unreadable {
        /// The file.
        origin: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not JSON of an artifact's outer shape.
    #[error("model {origin}: not an artifact of rungs ({reason}): `rungs train --out DIR` writes one")]
    NotAnArtifact {
        /// The file.
        origin: String,
        /// Where the reader stumbled.
        reason: String,
    },
    /// The file is of another format.
    #[error("model {origin}: its format is `{found}`, this rungs reads `{FORMAT}`: train again with this rungs")]
    Format {
        /// The file.
        origin: String,
        /// What the file says it is.
        found: String,
    },
    /// The body is not what was written.
    #[error(
        "model {origin}: corrupt: its body hashes to {found:.12}…, not to the {stated:.12}… that it states: copy it again or train again"
    )]
    Corrupt {
        /// The file.
        origin: String,
        /// The checksum in the file.
        stated: String,
        /// The checksum of its body.
        found: String,
    },
    /// The body is whole, but cannot be a model.
    #[error("model {origin}: {reason}: train again with this rungs")]
    Invalid {
        /// The file.
        origin: String,
        /// Which part, and what is wrong with it.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    format: String,
    sha256: String,
    body: Box<RawValue>,
}

/// Reads a body after its format and its checksum have been found right.
pub(super) fn open<T: DeserializeOwned>(bytes: &[u8], origin: &str) -> Result<T, ArtifactError> {
    let origin = origin.to_owned();
    let envelope: Envelope = match serde_json::from_slice(bytes) {
        Ok(envelope) => envelope,
        Err(error) => return Err(ArtifactError::NotAnArtifact { origin, reason: error.to_string() }),
    };
    if envelope.format != FORMAT {
        return Err(ArtifactError::Format { origin, found: envelope.format });
    }
    let found = sha256(envelope.body.get().as_bytes());
    if found != envelope.sha256 {
        return Err(ArtifactError::Corrupt { origin, stated: envelope.sha256, found });
    }
    serde_json::from_str(envelope.body.get())
        .map_err(|error| ArtifactError::Invalid { origin, reason: error.to_string() })
}

/// The bytes of `model.json`; a number that is not finite becomes `null`, which no reader accepts.
pub(super) fn seal<T: Serialize>(body: &T) -> std::io::Result<Vec<u8>> {
    let body = to_raw_value(body)?;
    let envelope = Envelope { format: FORMAT.to_owned(), sha256: sha256(body.get().as_bytes()), body };
    let mut bytes = serde_json::to_vec(&envelope)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The short name of a body.
pub(super) fn version<T: Serialize>(body: &T) -> String {
    // Structs of numbers, strings and lists always serialise.
    let mut hash = sha256(&serde_json::to_vec(body).unwrap_or_default());
    hash.truncate(12);
    hash
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::artifact::tests::example;
    use super::super::{Artifact, ArtifactError};
    use super::*;

    fn refusal(bytes: &[u8]) -> ArtifactError {
        Artifact::from_bytes(bytes, "m").unwrap_err()
    }

    #[test]
    fn a_changed_byte_in_the_body_is_found() {
        let sealed = String::from_utf8(seal(&example()).unwrap()).unwrap();
        let error = refusal(sealed.replace("\"clip\":4.0", "\"clip\":5.0").as_bytes());
        assert!(matches!(error, ArtifactError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("train again"), "{error}");
    }

    #[test]
    fn another_format_is_named() {
        let sealed = String::from_utf8(seal(&example()).unwrap()).unwrap();
        let error = refusal(sealed.replace("rungs-artifact/1", "rungs-artifact/9").as_bytes()).to_string();
        assert!(error.contains("rungs-artifact/9") && error.contains("rungs-artifact/1"), "{error}");
    }

    #[test]
    fn a_cut_file_and_a_missing_one_are_refused() {
        let sealed = seal(&example()).unwrap();
        assert!(matches!(refusal(&sealed[..sealed.len() / 2]), ArtifactError::NotAnArtifact { .. }));
        assert!(matches!(refusal(b""), ArtifactError::NotAnArtifact { .. }));
        let missing = Artifact::load(std::path::Path::new("/nowhere/model.json")).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/model.json"), "{missing}");
    }

    #[test]
    fn a_number_that_is_not_finite_never_becomes_a_model() {
        let mut artifact = example();
        artifact.heads[0].linear.intercept = f64::NAN;
        assert!(matches!(refusal(&seal(&artifact).unwrap()), ArtifactError::Invalid { .. }));
    }
}
