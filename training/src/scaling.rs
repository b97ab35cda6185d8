//! From features to the design matrix of the learners.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, concatenate};
/// Standardised lexical values are held within ± this: an outlier must not outvote everything else.
const CLIP: f64 = 4.0;

/// Mean squared length of the scaled embedding. A penalty acts on coefficients, so a block's scale sets how strongly it
/// is held down: 50 puts the whole embedding on a par with 50 standardised features.
const EMBEDDING_ENERGY: f64 = 50.0;

/// A feature that varies less than this is constant.
const LEAST_DEVIATION: f64 = 1e-6;

/// Block scaling of the embedding and standardisation of the lexical features; it sees no label.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// Factor of every component of the embedding.
    pub embedding: f64,
    /// Mean of each lexical feature.
    pub mean: Vec<f64>,
    /// Standard deviation of each lexical feature; 1 for a constant one.
    pub deviation: Vec<f64>,
    /// Bound of the standardised values.
    pub clip: f64,
}

impl Scaling {
    pub(crate) fn fit(embedding: ArrayView2<'_, f32>, lexical: ArrayView2<'_, f32>) -> Self {
        let rows = embedding.nrows().max(1) as f64;
        let energy = embedding.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / rows;
        let lexical = lexical.mapv(f64::from);
        let mean = lexical.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(lexical.ncols()));
        let deviation = lexical.std_axis(Axis(0), 0.0);
        Self {
            embedding: if energy > 0.0 { (EMBEDDING_ENERGY / energy).sqrt() } else { 1.0 },
            mean: mean.to_vec(),
            deviation: deviation.iter().map(|&d| if d < LEAST_DEVIATION { 1.0 } else { d }).collect(),
            clip: CLIP,
        }
    }

    /// The design matrix: the scaled embedding, then the standardised lexical features.
    pub(crate) fn design(&self, embedding: ArrayView2<'_, f32>, lexical: ArrayView2<'_, f32>) -> Array2<f64> {
        let embedding = embedding.mapv(|x| f64::from(x) * self.embedding);
        let mut lexical = lexical.mapv(f64::from);
        for mut row in lexical.rows_mut() {
            Zip::from(&mut row).and(&self.mean).and(&self.deviation).for_each(|x, mean, deviation| {
                *x = ((*x - mean) / deviation).clamp(-self.clip, self.clip);
            });
        }
        // Both blocks have a row per row of the data.
        concatenate(Axis(1), &[embedding.view(), lexical.view()]).unwrap_or(embedding)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn blocks_are_scaled_apart_and_outliers_clipped() {
        let embedding = array![[0.6_f32, 0.8], [1.0, 0.0]];
        let lexical = array![[1.0_f32, 5.0], [3.0, 5.0]];
        let scaling = Scaling::fit(embedding.view(), lexical.view());
        let design = scaling.design(embedding.view(), array![[1.0_f32, 5.0], [1e6, 5.0]].view());
        let energy: f64 = design.columns().into_iter().take(2).flatten().map(|x| x * x).sum();
        assert!((energy - 2.0 * EMBEDDING_ENERGY).abs() < 1e-4);
        assert_eq!(design.column(2).to_vec(), [-1.0, CLIP]);
        assert_eq!(design.column(3).to_vec(), [0.0, 0.0]);
    }
}
