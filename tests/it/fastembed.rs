//! The full encoder, where `scripts/install-fastembed` has been run.
//!
//! Without it the tests skip, visibly; with `RUNGS_REQUIRE_FASTEMBED` set they fail instead.

use rungs::config::{Config, EmbeddingConfig};
use rungs::features::embedding::{Embedder, MiniLm};
use serde::Deserialize;

/// A text and its vector by another implementation: the same weights under ONNX Runtime from Python, with the mask, the
/// mean and the scaling computed in numpy.
#[derive(Deserialize)]
struct Reference {
    text: String,
    vector: Vec<f32>,
}

fn installed() -> Option<MiniLm> {
    match MiniLm::open(&EmbeddingConfig::default(), &Config::default().data_dir()) {
        Ok(model) => Some(model),
        Err(error) => {
            assert!(std::env::var_os("RUNGS_REQUIRE_FASTEMBED").is_none(), "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn vectors_are_those_of_another_implementation() {
    let Some(model) = installed() else { return };
    let references: Vec<Reference> = serde_json::from_str(include_str!("support/minilm.json")).unwrap();
    for Reference { text, vector } in references {
        let found = model.embed(&text).unwrap();
        assert_eq!(found.len(), model.id().dimensions);
        assert!(cosine(&found, &vector) > 0.9999, "{text}: {}", cosine(&found, &vector));
    }
}

#[test]
fn texts_of_every_length_give_the_same_vector_from_many_threads() {
    let Some(model) = installed() else { return };
    let texts = ["", " ", "a", "word ".repeat(10_000).as_str(), "∑".repeat(5_000).as_str()].map(str::to_owned);
    let expected: Vec<Vec<f32>> = texts.iter().map(|text| model.embed(text).unwrap()).collect();
    assert!(expected[0].iter().all(|x| *x == 0.0), "no text, no direction");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (text, vector) in texts.iter().zip(&expected) {
                    assert_eq!(&model.embed(text).unwrap(), vector);
                }
            });
        }
    });
}
