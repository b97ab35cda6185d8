//! ONNX Runtime's shared library.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;

use super::super::EmbedError;

/// The library's file name in the folder that `scripts/install-fastembed` fills.
const LIBRARY: &str = if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else if cfg!(windows) {
    "onnxruntime.dll"
} else {
    "libonnxruntime.so"
};

/// A process may have one environment, and never a second after it.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads the library named in the configuration, else by `ORT_DYLIB_PATH`, else the one in `dir`. The first library
/// that is loaded stays for the life of the process.
///
/// # Errors
/// When there is no library there, or not one of a version that this build can use.
pub fn environment(configured: Option<&Path>, dir: &Path) -> Result<Environment, EmbedError> {
    let (path, named_by) = match (configured, std::env::var_os("ORT_DYLIB_PATH")) {
        (Some(path), _) => (path.to_owned(), "embedding.onnxruntime"),
        (None, Some(path)) => (PathBuf::from(path), "ORT_DYLIB_PATH"),
        (None, None) => (dir.join(LIBRARY), "the default place"),
    };
    // Loading a file that is missing, or initialising later without one, panics inside the bindings.
    if !path.is_file() {
        return Err(missing(&format!("ONNX Runtime's library is not at {} ({named_by})", path.display())));
    }
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(environment) = environment.as_ref() {
        return Ok(environment.clone());
    }
    let fail = |error: String| missing(&format!("ONNX Runtime at {} ({named_by}): {error}", path.display()));
    let built = ort::init_from(&path).map_err(|error| fail(error.to_string()))?;
    let built = built.with_telemetry(false).build().map_err(|error| fail(error.to_string()))?;
    Ok(environment.insert(built).clone())
}

/// An error about something that the install script brings.
pub(super) fn missing(reason: &str) -> EmbedError {
    EmbedError(format!("{reason}; run scripts/install-fastembed, or use embedding.backend = \"static\""))
}
