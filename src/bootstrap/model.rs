//! The model that the labels make, and what becomes of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::BootstrapError;
use crate::config::Config;
use crate::decisions::DecisionStore;
use crate::difficulty::figures::Figures;
use crate::difficulty::report::write;
use crate::registry::{Origin, Registry};
use crate::retrain::{Ask, First, Labels, Report, RetrainError, first, is_first, run_on};

/// What was made.
pub(super) struct Made {
    /// Where it is.
    pub(super) folder: Option<PathBuf>,
    pub(super) figures: Option<Figures>,
    pub(super) report: Report,
}

/// From labels to a model.
pub(super) struct Making<'a> {
    pub(super) store: Arc<dyn DecisionStore>,
    pub(super) config: &'a Config,
    pub(super) labels: Labels,
    /// Where the labels are kept.
    pub(super) labelled: &'a Path,
    /// Where the model is to be.
    pub(super) folder: &'a Path,
    pub(super) seed: u64,
}

impl Making<'_> {
    /// Fits and registers: the first own model without a gate, any later one through it.
    pub(super) async fn make(self) -> Result<Made, BootstrapError> {
        if is_first(&*self.store, self.config).await? { self.first().await } else { self.later().await }
    }

    async fn first(self) -> Result<Made, BootstrapError> {
        let First { report, learned } =
            first(self.store, self.config, self.labelled, self.labels.taken, self.seed).await?;
        let Some(learned) = learned else { return Ok(Made { folder: None, figures: None, report }) };
        let threshold = learned.artifact.operating_points.balanced.threshold;
        let figures = learned.judged.figures_of(&learned.evaluation, threshold);
        write(self.folder, &learned, &figures).map_err(|source| failed(self.folder, source))?;
        Ok(Made { folder: Some(self.folder.to_owned()), figures: Some(figures), report })
    }

    async fn later(self) -> Result<Made, BootstrapError> {
        let Self { store, config, folder, .. } = self;
        let ask = Ask { seed: self.seed, origin: Origin::Bootstrap, ..Ask::default() };
        let report = run_on(self.labels, Arc::clone(&store), config, &ask, &|_| ()).await?;
        let database = store.database().filter(|_| report.state.is_some());
        let (Some(database), Some(version)) = (database, &report.challenger) else {
            return Ok(Made { folder: None, figures: None, report });
        };
        let artifact = Registry::open(database, &config.data_dir()).load(version).await.map_err(RetrainError::from)?;
        artifact.save(folder).map_err(|source| failed(folder, source))?;
        Ok(Made { folder: Some(folder.to_owned()), figures: None, report })
    }
}

fn failed(folder: &Path, source: std::io::Error) -> BootstrapError {
    BootstrapError::Folder { place: folder.display().to_string(), source }
}
