//! Copies of models on this machine.

use std::path::{Path, PathBuf};

use super::RegistryError;
use crate::difficulty::Artifact;

/// A folder with a folder for each model.
#[derive(Debug, Clone)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn under(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("models") }
    }

    pub(super) fn folder(&self, version: &str) -> PathBuf {
        self.folder.join(version)
    }

    /// The copy, where there is one and it is what its name says.
    pub(super) fn read(&self, version: &str) -> Option<Artifact> {
        // A version is a name here, never a path.
        let plain = version.bytes().all(|byte| byte.is_ascii_hexdigit());
        let artifact = Artifact::load(&self.folder(version)).ok().filter(|_| plain && !version.is_empty())?;
        (artifact.version() == version).then_some(artifact)
    }

    pub(super) fn write(&self, version: &str, artifact: &Artifact) -> Result<(), RegistryError> {
        let folder = self.folder(version);
        let failed = |source| RegistryError::File { place: folder.display().to_string(), source };
        artifact.save(&folder).map_err(failed)
    }
}
