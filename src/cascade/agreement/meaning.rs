//! Whether free texts mean the same, by their embeddings.

use super::conclusion::Conclusion;
use super::prose::contradict;
use super::{Vote, vote};
use crate::features::embedding::{EmbedError, Embedder};

/// Compares free text by the cosine of its embeddings; everything else as [`Conclusion::agrees`] does.
///
/// Texts whose numbers, negations, names or order of words differ never agree, however near they are, and neither do
/// texts of a few words, whose embeddings tell too little.
pub struct Meaning<'a> {
    embedder: &'a dyn Embedder,
    least_cosine: f64,
}

/// The cosine from which texts agree unless the user says otherwise.
const LEAST_COSINE: f64 = 0.88;

/// Texts of fewer words agree only word by word.
const FEWEST_WORDS: usize = 4;

impl<'a> Meaning<'a> {
    /// Compares with this embedder at the default cosine, .88.
    #[must_use]
    pub fn new(embedder: &'a dyn Embedder) -> Self {
        Self { embedder, least_cosine: LEAST_COSINE }
    }

    /// Counts the votes of some answers; `None` for fewer than two.
    ///
    /// # Errors
    /// When the embedder fails.
    pub fn vote(&self, conclusions: &[Conclusion]) -> Result<Option<Vote>, EmbedError> {
        let vectors: Vec<Vec<f32>> =
            conclusions.iter().map(|conclusion| self.vector(conclusion)).collect::<Result<_, _>>()?;
        Ok(vote(conclusions, |a, b| {
            conclusions[a].agrees(&conclusions[b])
                || match (&conclusions[a], &conclusions[b]) {
                    (Conclusion::Text(x), Conclusion::Text(y)) => {
                        cosine(&vectors[a], &vectors[b]) >= self.least_cosine && !contradict(&x.said, &y.said)
                    }
                    _ => false,
                }
        }))
    }

    /// The embedding of a text long enough to have one that tells; empty for all else.
    fn vector(&self, conclusion: &Conclusion) -> Result<Vec<f32>, EmbedError> {
        match conclusion {
            Conclusion::Text(text) if text.words.split(' ').count() >= FEWEST_WORDS => self.embedder.embed(&text.said),
            _ => Ok(Vec::new()),
        }
    }
}

/// The cosine of two vectors of unit length; 0 where either is empty.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::embedding::EmbedderId;

    /// Gives every text the same vector, so that only the vetoes tell texts apart.
    struct Blind(EmbedderId);

    impl Embedder for Blind {
        fn embed(&self, _: &str) -> Result<Vec<f32>, EmbedError> {
            Ok(vec![1.0])
        }

        fn id(&self) -> &EmbedderId {
            &self.0
        }

        fn is_slow(&self) -> bool {
            false
        }
    }

    fn clusters(texts: &[&str]) -> Vec<usize> {
        let id = EmbedderId { backend: String::new(), model: String::new(), dimensions: 1, fingerprint: String::new() };
        let conclusions: Vec<Conclusion> = texts.iter().map(|text| Conclusion::of_text(text)).collect();
        Meaning::new(&Blind(id)).vote(&conclusions).unwrap().unwrap().clusters
    }

    #[test]
    fn near_texts_agree_unless_something_forbids_it() {
        assert_eq!(clusters(&["it will arrive by Monday", "the parcel comes on Monday then"]), [2]);
        assert_eq!(clusters(&["it will arrive by Monday", "it will arrive by Friday"]), [1, 1]);
        assert_eq!(clusters(&["it is safe for children", "it is not safe for children"]), [1, 1]);
        assert_eq!(clusters(&["a cat", "a dog"]), [1, 1]);
        assert_eq!(clusters(&["B", "C", "B"]), [2, 1]);
    }
}
