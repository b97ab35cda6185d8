//! From a request to numbers: one extractor, used by training and serving alike (invariant 5).

pub mod embedding;
mod injected;
mod lexical;
mod schema;
mod structural;
mod subject;

use std::path::Path;
use std::sync::Arc;

pub use schema::Schema;
pub use subject::{Subject, subject};

use crate::chat::ChatRequest;
use crate::config::EmbeddingConfig;
use embedding::{EmbedError, Embedder};
use schema::Values;

/// What the heads see of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureVector {
    /// The sentence embedding of the request up to its multiple-choice options, then that of the options: each of unit
    /// length, or zero where there is no such text.
    pub embedding: Vec<f32>,
    /// Lexical and structural features, in the order of [`Schema::names`]; all finite.
    pub lexical: Vec<f32>,
}

/// Parts of a request that are embedded apart: stem and options.
pub const PARTS: usize = 2;

/// Turns requests into feature vectors. The same request gives the same vector, in training and in serving.
pub struct Extractor {
    embedder: Arc<dyn Embedder>,
    schema: Schema,
}

impl Extractor {
    /// Opens the embedder that the configuration names; `data_dir` is where `scripts/install-fastembed` puts its files.
    ///
    /// # Errors
    /// When a file of the embedder is missing or not what it should be; the message says how to get it.
    pub fn open(config: &EmbeddingConfig, data_dir: &Path) -> Result<Self, EmbedError> {
        Ok(Self { embedder: embedding::open(config, data_dir)?.into(), schema: Schema::current() })
    }

    /// The features of a request.
    ///
    /// # Errors
    /// When the embedder fails; the static table never does.
    pub fn extract(&self, request: &ChatRequest) -> Result<FeatureVector, EmbedError> {
        let subject = subject(request);
        let mut values = Values(Vec::with_capacity(self.schema.names.len()));
        let stem_end = lexical::measure(&subject.text, &mut values);
        structural::measure(request, subject.request_chars, &mut values);
        Ok(FeatureVector { embedding: self.embed(subject.text.split_at(stem_end))?, lexical: values.0 })
    }

    /// What is asked and what may be answered, apart: averaged, the one would drown the other.
    fn embed(&self, (stem, options): (&str, &str)) -> Result<Vec<f32>, EmbedError> {
        let mut embedding = Vec::with_capacity(self.dimensions());
        for part in [stem, options] {
            let filled = embedding.len() + self.embedder.id().dimensions;
            if !part.trim().is_empty() {
                embedding.extend(self.embedder.embed(part)?);
            }
            embedding.resize(filled, 0.0);
        }
        Ok(embedding)
    }

    /// Length of [`FeatureVector::embedding`]: twice that of the embedder's vectors.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        PARTS * self.embedder.id().dimensions
    }

    /// Names of the lexical and structural features.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The embedder in use.
    #[must_use]
    pub fn embedder(&self) -> &dyn Embedder {
        self.embedder.as_ref()
    }

    /// The same, to be kept.
    #[must_use]
    pub fn shared_embedder(&self) -> Arc<dyn Embedder> {
        Arc::clone(&self.embedder)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    fn extractor() -> &'static Extractor {
        static EXTRACTOR: LazyLock<Extractor> =
            LazyLock::new(|| Extractor::open(&EmbeddingConfig::default(), Path::new("/nowhere")).unwrap());
        &EXTRACTOR
    }

    fn feature(extractor: &Extractor, text: &str, name: &str) -> f32 {
        let at = extractor.schema().names.iter().position(|n| n == name).unwrap();
        extractor.extract(&ChatRequest::from_prompt(text)).unwrap().lexical[at]
    }

    /// An artifact is bound to this hash: a change here voids every artifact, and so needs a new [`Schema::VERSION`].
    #[test]
    fn the_schema_is_the_one_that_artifacts_were_fitted_with() {
        let schema = Schema::current();
        insta::assert_snapshot!(format!("version {}\n{}\n{}", schema.version, schema.hash, schema.names.join("\n")));
    }

    #[test]
    fn names_and_values_go_together() {
        let extractor = extractor();
        let vector = extractor.extract(&ChatRequest::from_prompt("Why is the sky blue?")).unwrap();
        assert_eq!(vector.lexical.len(), extractor.schema().names.len());
        assert_eq!(vector.embedding.len(), extractor.dimensions());
    }

    #[test]
    fn stem_and_options_are_embedded_apart() {
        let extractor = extractor();
        let embed = |text: &str| extractor.extract(&ChatRequest::from_prompt(text)).unwrap().embedding;
        let (stem, options) = ("Which river is the longest?\n", "A. the Nile\nB. the Rhine");
        let both = embed(&format!("{stem}{options}"));
        let (first, second) = both.split_at(extractor.dimensions() / PARTS);
        assert_eq!(first, extractor.embedder().embed(stem).unwrap());
        assert_eq!(second, extractor.embedder().embed(options).unwrap());
        assert!(embed(stem)[first.len()..].iter().all(|x| *x == 0.0));
    }

    #[test]
    fn a_ten_megabyte_prompt_takes_linear_time() {
        let extractor = extractor();
        for unit in ["word 12 ", "<task ", "<attachment>\n", "A. x\n", "''", "。漢字", "\\frac{1}{2}"] {
            let request = ChatRequest::from_prompt(&unit.repeat(10_000_000 / unit.len()));
            let start = std::time::Instant::now();
            let vector = extractor.extract(&request).unwrap();
            // Milliseconds when optimised; anything quadratic would take hours.
            assert!(start.elapsed().as_secs() < 10, "{unit:?}: {:?}", start.elapsed());
            assert!(vector.lexical.iter().chain(&vector.embedding).all(|value| value.is_finite()));
        }
    }

    #[test]
    fn every_group_reacts_to_what_it_measures() {
        let extractor = extractor();
        let math =
            "Let $x^2 + y^2 = 3.5$ kg. Which of these is NOT a root?\nA. 12\nB. 13\nC. None of the above\nAnswer:";
        for (name, at_least) in [
            ("negation.capitals", 1.0),
            ("question.which", 1.0),
            ("options.any", 1.0),
            ("options.count", 3.0),
            ("options.number_share", 0.6),
            ("math.log_latex", 1.0),
            ("math.variable_rate", 0.1),
            ("numbers.log_units", 0.6),
            ("numbers.log_decimals", 0.6),
        ] {
            assert!(feature(extractor, math, name) >= at_least, "{name} {}", feature(extractor, math, name));
            assert_eq!(feature(extractor, "Hello there", name), 0.0, "{name}");
        }
        assert!(feature(extractor, "```rust\nfn main() {\n}\n```", "code.log_lines") > 1.0);
        assert!(feature(extractor, "请解释这个算法。", "script.ideograph_rate") > 0.8);
        assert!(feature(extractor, "Объясни алгоритм", "script.foreign_letter_rate") > 0.8);
        assert!(feature(extractor, "in the city of Paris", "entity.name_rate") > 0.1);
        assert_eq!(feature(extractor, "请解释", "length.log_words"), 4.0_f32.ln());
        let apples = "Ann has 5 apples and eats two. How many apples are left?";
        assert_eq!(feature(extractor, apples, "question.how_many"), 1.0);
        assert_eq!(feature(extractor, apples, "question.log_words"), 6.0_f32.ln());
        assert_eq!(feature(extractor, apples, "quantity.log_count"), 3.0_f32.ln());
        let options = "How many apples are left?\nA. 3 apples of 5\nB. 2 apples";
        assert_eq!(feature(extractor, options, "quantity.log_count"), 0.0, "options are no part of the problem");
    }

    proptest! {
        #[test]
        fn extraction_is_finite_and_deterministic(text in any::<String>(), lines in proptest::collection::vec("[A-E][.)] [ -~é漢]{0,20}", 0..8)) {
            let extractor = extractor();
            let text = format!("{text}\n{}", lines.join("\n"));
            let request = ChatRequest::from_prompt(&text);
            let vector = extractor.extract(&request).unwrap();
            prop_assert!(vector.lexical.iter().all(|value| value.is_finite() && value.abs() < 1e3));
            for part in vector.embedding.chunks(extractor.dimensions() / PARTS) {
                let norm = part.iter().map(|x| x * x).sum::<f32>();
                prop_assert!(norm == 0.0 || (norm - 1.0).abs() < 1e-4, "{norm}");
            }
            prop_assert_eq!(vector, extractor.extract(&request).unwrap());
        }
    }
}
