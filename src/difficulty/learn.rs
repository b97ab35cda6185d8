//! From labelled queries to an artifact.

use indexmap::IndexMap;
use rungs_training::calibrate::Calibrator;
use rungs_training::evaluate::{Evaluation, Operation};
use rungs_training::learners::extra_trees;
use rungs_training::{Fitted, Settings, fit};

use super::answers::{Answers, LearnedConfidence};
use super::evaluate::Judged;
use super::matrix::{LearnError, Task, named, read};
use super::rows::Rows;
use super::seen::SeenGroups;
use super::{
    Artifact, Calibration, Codes, Domains, Forest, Head, Linear, Mixture, Neighbours, OperatingPoint, OperatingPoints,
    Provenance, Scaling, Signal, Tree, Verdict,
};
use crate::features::Extractor;
use crate::labelled::{LabelledQuery, RowError};

/// An artifact with what is known of it but not needed for scoring.
#[derive(Debug, Clone)]
pub struct Learned {
    /// The artifact.
    pub artifact: Artifact,
    /// Figures of the out-of-fold probabilities.
    pub evaluation: Evaluation,
    /// The rows with their out-of-fold probabilities.
    pub judged: Judged,
    /// What was learned of the answers of each tier below the last; `None` where none was recorded.
    pub confidence: Vec<Option<Result<LearnedConfidence, String>>>,
}

/// Fits an artifact to the queries that have an outcome of every tier of the task.
///
/// # Errors
/// When a row is bad, a tier has no outcomes or only one class, there are too few groups, or a query cannot be embedded.
pub fn learn(
    queries: impl Iterator<Item = Result<LabelledQuery, RowError>>,
    task: &Task,
    extractor: &Extractor,
    settings: &Settings,
) -> Result<Learned, LearnError> {
    let mut answers = Answers::new(&task.tiers);
    let seen = queries.inspect(|query| query.iter().for_each(|query| answers.take(query)));
    let (rows, data) = read(seen, task, extractor)?;
    let fitted = fit(&data, settings).map_err(|error| named(&error, &task.tiers))?;
    let below = 0..task.tiers.len().saturating_sub(1);
    let confidence: Vec<_> = below.map(|tier| answers.fit(tier, &rows, &fitted.out_of_fold, settings.seed)).collect();
    let artifact = artifact(&fitted, &rows, data.group_count(), extractor, settings);
    let models = confidence.iter().flatten().flatten().map(|learned| learned.model.clone()).collect();
    Ok(Learned {
        artifact: Artifact { confidence: models, ..artifact },
        confidence,
        evaluation: fitted.evaluation,
        judged: Judged::out_of_fold(rows, fitted.out_of_fold),
    })
}

fn artifact(fitted: &Fitted, rows: &Rows, groups: usize, extractor: &Extractor, settings: &Settings) -> Artifact {
    let dimensions = extractor.dimensions();
    let head = |(i, tier): (usize, &String)| {
        let (embedding, lexical) = fitted.linear[i].coefficients.split_at(dimensions);
        Head {
            tier: tier.clone(),
            linear: Linear {
                intercept: fitted.linear[i].intercept,
                embedding: embedding.to_vec(),
                lexical: lexical.to_vec(),
            },
            calibration: calibration(&fitted.calibration[i]),
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
        domains: fitted.domains.as_ref().map(domains),
        forest: Forest { trees: fitted.forest.trees.iter().map(tree).collect() },
        neighbours: neighbours(fitted),
        mixture: Mixture { forest: fitted.mixture.forest, neighbours: fitted.mixture.neighbours },
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
        confidence: Vec::new(),
    }
}

fn calibration(calibrator: &Calibrator) -> Calibration {
    match calibrator {
        Calibrator::Platt(platt) => Calibration::Platt { slope: platt.slope, intercept: platt.intercept },
        Calibrator::Beta(beta) => Calibration::Beta { a: beta.a, b: beta.b, c: beta.c },
        Calibrator::Isotonic(isotonic) => {
            Calibration::Isotonic { corners: isotonic.corners.clone(), slope: isotonic.slope }
        }
    }
}

fn neighbours(fitted: &Fitted) -> Neighbours {
    let own = fitted.neighbours.clone();
    Neighbours {
        mean: fitted.space.mean.clone(),
        scale: fitted.space.scale.clone(),
        directions: fitted.space.directions.clone(),
        codes: Codes::new(&own.codes, fitted.space.directions.len()),
        labels: own.labels,
        weights: own.weights,
        prior: own.prior,
        k: own.k,
        distances: fitted.distances.clone(),
    }
}

fn domains(fitted: &rungs_training::learners::domains::Domains) -> Domains {
    let fitted = fitted.clone();
    Domains { coefficients: fitted.coefficients, intercepts: fitted.intercepts, labels: fitted.labels }
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
    use rungs_training::calibrate::Method;

    use super::super::prices::Prices;
    use super::super::rows::Unit;
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
            let domain = if hard { "sums" } else { "books" };
            format!(
                r#"{{"id":"{i}","prompt":"{prompt}","domain":"{domain}","outcomes":{{"small":{{"score":{small}}},"large":{{"score":{large}}}}}}}"#
            )
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), (0..rows).map(|i| line(i) + "\n").collect::<String>()).unwrap();
        let reader = crate::labelled::Reader::open(&[file.path()], crate::labelled::OnBad::Stop).unwrap();
        reader.map(Result::unwrap).collect()
    }

    fn task() -> Task {
        Task { tiers: TIERS.map(str::to_owned).to_vec(), unit: Unit::Group, prices: Prices::default() }
    }

    fn settings() -> Settings {
        let growth = rungs_training::Growth { trees: 20, ..Settings::default().growth };
        Settings { growth, ..Settings::default() }
    }

    fn learn_from(queries: &[LabelledQuery]) -> (Learned, Extractor) {
        let extractor = Extractor::open(&EmbeddingConfig::default(), std::path::Path::new("/nowhere")).unwrap();
        let learned = learn(queries.iter().cloned().map(Ok), &task(), &extractor, &settings()).unwrap();
        (learned, extractor)
    }

    #[test]
    fn the_artifact_scores_as_the_fit_did_and_is_the_same_every_time() {
        let queries = queries(240);
        let (learned, extractor) = learn_from(&queries);
        assert_eq!(learned.artifact, learn_from(&queries).0.artifact);
        assert_eq!(learned.artifact.signal.verdict, Verdict::Usable);
        assert_eq!(learned.artifact.domains.as_ref().map(|domains| domains.labels.len()), Some(2));

        let (_, data) = read(queries.iter().cloned().map(Ok), &task(), &extractor).unwrap();
        let predicted = fit(&data, &settings()).unwrap().predict(&data);
        for (i, query) in queries.iter().enumerate() {
            let p = learned.artifact.score(&extractor.extract(&query.request).unwrap()).p;
            for (tier, predicted) in TIERS.iter().zip(&predicted) {
                assert!((p[*tier].get() - predicted[i]).abs() < 1e-9, "{} {}", p[*tier].get(), predicted[i]);
            }
        }
    }

    #[test]
    fn every_form_of_calibration_is_served_as_it_was_fitted() {
        let logits: Vec<f64> = (0..3000).map(|i| f64::from(i) / 400.0 - 4.0).collect();
        let labels: Vec<f64> = logits.iter().map(|z| 1.0 / (1.0 + (0.3 - z.powi(3) / 9.0).exp())).collect();
        for method in [Method::Platt, Method::Beta, Method::Isotonic] {
            let fitted = Calibrator::fit(method, &logits, &labels, &vec![1.0; labels.len()]);
            assert_eq!(calibration(&fitted).check(), Ok(()));
            for z in (-80..80).map(|i| f64::from(i) / 10.0) {
                let (served, trained) = (calibration(&fitted).apply(z), fitted.apply(z));
                assert!((served - trained).abs() < 1e-12, "{method:?} at {z}: {served} {trained}");
            }
        }
    }
}
