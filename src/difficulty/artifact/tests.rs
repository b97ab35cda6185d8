use super::super::calibrated::Goal;
use super::super::forest::tests::stump;
use super::super::neighbours::tests::pair;
use super::super::{Calibration, Linear, OperatingPoint, Verdict};
use super::*;

pub(crate) fn example() -> Artifact {
    let head = |tier: &str, lexical: f64| Head {
        tier: tier.to_owned(),
        linear: Linear {
            intercept: 0.1 + 0.2,
            embedding: vec![1.0 / 3.0, -2e-17, 0.0, 0.0, 0.0, 0.0],
            lexical: vec![lexical],
        },
        calibration: Calibration::Platt { slope: 1.0, intercept: 0.0 },
    };
    let point = OperatingPoint { threshold: 0.1, frontier_share: 0.5, quality: 0.7, pgr: 0.8 };
    Artifact {
        rungs: "0.1.0".to_owned(),
        embedder: EmbedderId {
            backend: "static".to_owned(),
            model: "test".to_owned(),
            dimensions: 3,
            fingerprint: "ab".to_owned(),
        },
        schema: Schema { version: 1, hash: "cd".to_owned(), names: vec!["log_tokens".to_owned()] },
        scaling: Scaling { embedding: 2.0, mean: vec![1.0], deviation: vec![2.0], clip: 4.0 },
        directions: vec![vec![0.0, 1.0, 0.0, 0.0, 0.0, 0.0]],
        domains: None,
        heads: vec![head("small", -1.0), head("large", 0.5)],
        forest: Forest { trees: vec![stump()] },
        neighbours: pair(2),
        mixture: Mixture { forest: 0.25, neighbours: 0.0 },
        operating_points: OperatingPoints { economy: point, balanced: point, quality: point },
        signal: Signal { verdict: Verdict::Usable, auc: 0.6, interval: [0.55, 0.65] },
        training: Provenance {
            data: "00".to_owned(),
            rows: 10,
            rows_without_outcome: 0,
            groups: 10,
            seen: SeenGroups::new(&[1 << 40, 7 << 50]),
            seed: 1,
            hyper_parameters: IndexMap::from([("l2".to_owned(), 1000.0)]),
        },
        calibrated: None,
        confidence: vec![super::super::confidence::tests::example(["small", "large"])],
    }
}

#[test]
fn floats_survive_a_round_trip_exactly_and_bytes_are_stable() {
    let artifact = example();
    let dir = tempfile::tempdir().unwrap();
    artifact.save(dir.path()).unwrap();
    let loaded = Artifact::load(dir.path()).unwrap();
    assert_eq!(loaded, artifact);
    assert_eq!(loaded.version(), artifact.version());
    assert_eq!(envelope::seal(&loaded).unwrap(), std::fs::read(dir.path().join(MODEL_FILE)).unwrap());
}

#[test]
fn the_score_is_the_frontiers_probability_less_the_cheap_ones() {
    let features = FeatureVector { embedding: vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0], lexical: vec![3.0] };
    let score = example().score(&features);
    let logit = 0.1 + 0.2 + 2.0 / 3.0;
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    // The standardised lexical feature is 1, so the stump goes left.
    let cheap = 0.75 * sigmoid(logit - 1.0) + 0.25 * 0.2;
    let frontier = 0.75 * sigmoid(logit + 0.5) + 0.25 * 0.4;
    assert!((score.p["small"].get() - cheap).abs() < 1e-6 && (score.p["large"].get() - frontier).abs() < 1e-6);
    assert!((score.score - (frontier - cheap)).abs() < 1e-6);
}

#[test]
fn a_calibrated_point_belongs_to_one_model() {
    let mut artifact = example();
    assert_eq!(artifact.threshold(Preset::Calibrated), artifact.threshold(Preset::Balanced));
    let calibrated = Calibrated {
        model: artifact.version(),
        goal: Goal::FrontierShare(0.3),
        threshold: 0.25,
        frontier_share: 0.3,
        quality: Some(0.8),
        cost_usd: None,
        data: "00".to_owned(),
        rows: 10,
        certificate: None,
    };
    artifact.calibrated = Some(calibrated);
    assert_eq!(artifact.threshold(Preset::Calibrated), 0.25);
    let (sealed, version) = (envelope::seal(&artifact).unwrap(), artifact.version());
    assert_ne!(version, artifact.uncalibrated_version());
    assert_eq!(Artifact::from_bytes(&sealed, "m").unwrap().version(), version);

    artifact.heads[0].linear.intercept += 1.0;
    let error = Artifact::from_bytes(&envelope::seal(&artifact).unwrap(), "m").unwrap_err().to_string();
    assert!(error.contains("run `rungs calibrate` again"), "{error}");
}

#[test]
fn another_extractor_is_refused_with_what_to_do() {
    let artifact = example();
    assert_eq!(artifact.check_extractor(&artifact.schema, &artifact.embedder), Ok(()));
    let embedder = EmbedderId { backend: "fastembed".to_owned(), ..artifact.embedder.clone() };
    let error = artifact.check_extractor(&artifact.schema, &embedder).unwrap_err();
    assert!(error.contains("embedding.backend = \"static\"") && error.contains("--embedder fastembed"), "{error}");
    let schema = Schema { version: 2, ..artifact.schema.clone() };
    let error = artifact.check_extractor(&schema, &artifact.embedder).unwrap_err();
    assert!(error.contains("schema 1") && error.contains("train again"), "{error}");
}
