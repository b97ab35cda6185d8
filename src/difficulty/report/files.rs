//! For the disk.

use std::io::{Error, Result};
use std::path::Path;

use indexmap::IndexMap;
use serde_json::json;

use super::super::figures::Figures;
use super::super::learn::Learned;
use super::super::trust::calibrators;
use super::html;

/// Writes `model.json`, `report.json` and `report.html` to a folder.
///
/// # Errors
/// When a file cannot be written or a plot not be drawn.
pub fn write(dir: &Path, learned: &Learned, figures: &Figures) -> Result<()> {
    learned.artifact.save(dir)?;
    let models = learned.artifact.confidence.iter();
    let confidence: IndexMap<_, _> = models.map(|model| (model.tier(), &model.figures)).collect();
    let report = json!({
        "model_version": learned.artifact.version(),
        "embedder": learned.artifact.embedder,
        "training": learned.artifact.training,
        "operating_points": learned.artifact.operating_points,
        "calibrators": calibrators(&learned.artifact),
        "out_of_fold": figures,
        "confidence": confidence,
    });
    let page = html(learned, figures).map_err(Error::other)?;
    std::fs::write(dir.join("report.json"), format!("{report:#}\n"))?;
    std::fs::write(dir.join("report.html"), page)
}
