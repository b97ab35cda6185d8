//! From labelled queries to an artifact.

use indexmap::IndexMap;
use rungs_training::evaluate::{Evaluation, Operation};
use rungs_training::learners::extra_trees;
use rungs_training::{Dataset, FitError, Fitted, Parts, Settings, fit};

use super::rows::{Rows, Unit};
use super::seen::SeenGroups;
use super::{
    Artifact, Calibration, Forest, Head, Linear, Mixture, OperatingPoint, OperatingPoints, Provenance, Scaling, Signal,
    Tree, Verdict,
};
use crate::features::{Extractor, FeatureVector};
use crate::labelled::{LabelledQuery, RowError};

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// A file or a row of it is at fault.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The rows cannot be learned from; says which tier and why.
    #[error("{0}")]
    Data(String),
    /// A query could not be embedded.
    #[error(transparent)]
    Embed(#[from] crate::features::embedding::EmbedError),
}

/// An artifact with what is known of it but not needed for scoring.
#[derive(Debug, Clone)]
pub struct Learned {
    /// The artifact.
    pub artifact: Artifact,
    /// Figures of the out-of-fold probabilities.
    pub evaluation: Evaluation,
    /// Out-of-fold scores p_frontier − p_cheap, one per row.
    pub scores: Vec<f64>,
    /// The operating points economy, balanced and quality, out of fold.
    pub operating_points: [Operation; 3],
}

/// Fits an artifact for `tiers` (cheap → frontier) to the queries that have an outcome of each. Whatever shares a `unit`
/// stays together in cross-validation.
///
/// # Errors
/// When a row is bad, a tier has no outcomes or only one class, there are too few groups, or a query cannot be embedded.
pub fn learn(
    queries: impl Iterator<Item = Result<LabelledQuery, RowError>>,
    tiers: &[String],
    unit: Unit,
    extractor: &Extractor,
    settings: &Settings,
) -> Result<Learned, LearnError> {
    let mut rows = Rows::new(tiers, unit);
    let mut features = Features::default();
    for query in queries {
        let query = query?;
        if rows.take(&query) {
            features.push(&extractor.extract(&query.request)?);
        }
    }
    rows.check().map_err(LearnError::Data)?;
    let data = dataset(&rows, features).map_err(|error| LearnError::Data(named(&error, tiers)))?;
    let fitted = fit(&data, settings).map_err(|error| LearnError::Data(named(&error, tiers)))?;
    Ok(Learned {
        artifact: artifact(&fitted, &rows, data.group_count(), extractor, settings),
        scores: fitted.scores(),
        operating_points: fitted.operating_points,
        evaluation: fitted.evaluation,
    })
}

/// Feature vectors, one after the other.
#[derive(Default)]
struct Features {
    embedding: Vec<f32>,
    lexical: Vec<f32>,
}

impl Features {
    fn push(&mut self, vector: &FeatureVector) {
        self.embedding.extend(&vector.embedding);
        self.lexical.extend(&vector.lexical);
    }
}

fn dataset(rows: &Rows, features: Features) -> Result<Dataset, FitError> {
    Dataset::new(Parts::new(
        features.embedding,
        features.lexical,
        rows.labels.clone(),
        rows.weights.clone(),
        rows.groups.clone(),
    )?)
}

/// The training crate knows tiers by number only.
fn named(error: &FitError, tiers: &[String]) -> String {
    match error {
        FitError::OneClass { tier, label } => format!(
            "tier `{}`: every score is {label}; with one class only there is nothing to learn: add queries that it \
             answers otherwise",
            tiers.get(*tier).map_or("", String::as_str)
        ),
        other => other.to_string(),
    }
}

fn artifact(fitted: &Fitted, rows: &Rows, groups: usize, extractor: &Extractor, settings: &Settings) -> Artifact {
    let dimensions = extractor.embedder().id().dimensions;
    let head = |(i, tier): (usize, &String)| {
        let (embedding, lexical) = fitted.linear[i].coefficients.split_at(dimensions);
        let platt = fitted.calibration[i];
        Head {
            tier: tier.clone(),
            linear: Linear {
                intercept: fitted.linear[i].intercept,
                embedding: embedding.to_vec(),
                lexical: lexical.to_vec(),
            },
            calibration: Calibration { slope: platt.slope, intercept: platt.intercept },
        }
    };
    let scaling = &fitted.scaling;
    let [economy, balanced, quality] = fitted.operating_points.map(operating_point);
    Artifact {
        rungs: env!("CARGO_PKG_VERSION").to_owned(),
        embedder: extractor.embedder().id().clone(),
        schema: extractor.schema().clone(),
        scaling: Scaling {
            embedding: scaling.embedding,
            mean: scaling.mean.clone(),
            deviation: scaling.deviation.clone(),
            clip: scaling.clip,
        },
        directions: fitted
            .projection
            .directions
            .rows()
            .into_iter()
            .map(|d| d.iter().map(|x| *x as f32).collect())
            .collect(),
        heads: rows.tiers.iter().enumerate().map(head).collect(),
        forest: Forest { trees: fitted.forest.trees.iter().map(tree).collect() },
        mixture: Mixture { forest: fitted.mixture.forest },
        operating_points: OperatingPoints { economy, balanced, quality },
        signal: signal(&fitted.evaluation),
        training: Provenance {
            data: rows.fingerprint(),
            rows: rows.len(),
            rows_without_outcome: rows.left_out,
            groups,
            seen: SeenGroups::new(&rows.questions),
            seed: settings.seed,
            hyper_parameters: hyper_parameters(fitted, settings),
        },
        calibrated: None,
    }
}

fn tree(tree: &extra_trees::Tree) -> Tree {
    Tree {
        feature: tree.feature.clone(),
        threshold: tree.threshold.clone(),
        next: tree.next.clone(),
        values: tree.values.clone(),
    }
}

fn operating_point(operation: Operation) -> OperatingPoint {
    OperatingPoint {
        threshold: operation.threshold,
        frontier_share: operation.frontier_share,
        quality: operation.quality,
        pgr: operation.pgr,
    }
}

fn signal(evaluation: &Evaluation) -> Signal {
    let interval = evaluation.gain_auc_interval.map_or([0.0, 1.0], |interval| [interval.0, interval.1]);
    let verdict = if evaluation.has_signal() { Verdict::Usable } else { Verdict::None };
    Signal { verdict, auc: evaluation.gain_auc.unwrap_or(0.5), interval }
}

fn hyper_parameters(fitted: &Fitted, settings: &Settings) -> IndexMap<String, f64> {
    let growth = settings.growth;
    let parameters = [
        ("l2", fitted.l2),
        ("folds", settings.folds as f64),
        ("components", settings.components as f64),
        ("trees", growth.trees as f64),
        ("leaf_rows", growth.leaf as f64),
        ("split_candidates", growth.candidates),
    ];
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EmbeddingConfig;

    const TIERS: [&str; 2] = ["small", "large"];

    /// Short questions both tiers answer, long sums only the large one; some noise in both.
    fn queries(rows: usize) -> Vec<LabelledQuery> {
        let line = |i: usize| {
            let hard = i.is_multiple_of(2);
            let prompt = if hard { format!("Compute {i} * {i} + {}", i * 7) } else { format!("Who wrote book {i}?") };
            let noise = i.is_multiple_of(7);
            let small = f64::from(u8::from(hard == noise));
            let large = f64::from(u8::from(!i.is_multiple_of(11)));
            format!(
                r#"{{"id":"{i}","prompt":"{prompt}","outcomes":{{"small":{{"score":{small}}},"large":{{"score":{large}}}}}}}"#
            )
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), (0..rows).map(|i| line(i) + "\n").collect::<String>()).unwrap();
        let reader = crate::labelled::Reader::open(&[file.path()], crate::labelled::OnBad::Stop).unwrap();
        reader.map(Result::unwrap).collect()
    }

    fn learn_from(queries: &[LabelledQuery]) -> (Learned, Extractor) {
        let extractor = Extractor::open(&EmbeddingConfig::default(), std::path::Path::new("/nowhere")).unwrap();
        let settings = Settings {
            growth: rungs_training::Growth { trees: 20, ..Settings::default().growth },
            ..Settings::default()
        };
        let learned =
            learn(queries.iter().cloned().map(Ok), &TIERS.map(str::to_owned), Unit::Group, &extractor, &settings)
                .unwrap();
        (learned, extractor)
    }

    #[test]
    fn the_artifact_scores_as_the_fit_did_and_is_the_same_every_time() {
        let queries = queries(240);
        let (learned, extractor) = learn_from(&queries);
        assert_eq!(learned.artifact, learn_from(&queries).0.artifact);
        assert_eq!(learned.artifact.signal.verdict, Verdict::Usable);

        let mut features = Features::default();
        let mut rows = Rows::new(&TIERS.map(str::to_owned), Unit::Group);
        for query in &queries {
            rows.take(query);
            features.push(&extractor.extract(&query.request).unwrap());
        }
        let data = dataset(&rows, features).unwrap();
        let settings = Settings {
            growth: rungs_training::Growth { trees: 20, ..Settings::default().growth },
            ..Settings::default()
        };
        let predicted = fit(&data, &settings).unwrap().predict(&data);
        for (i, query) in queries.iter().enumerate() {
            let p = learned.artifact.score(&extractor.extract(&query.request).unwrap()).p;
            for (tier, predicted) in TIERS.iter().zip(&predicted) {
                assert!((p[*tier].get() - predicted[i]).abs() < 1e-9, "{} {}", p[*tier].get(), predicted[i]);
            }
        }
    }
}
