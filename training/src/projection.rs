//! Principal components of the embedding, for the learners that look at one feature at a time.

use crate::random::{normal, stream};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

/// Rounds of orthogonal iteration; the leading directions settle long before.
const ROUNDS: usize = 60;

/// The leading principal directions of the embedding; the numbers have the precision of an f32.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// Directions × dimensions, orthonormal, of falling variance.
    pub directions: Array2<f64>,
}

impl Projection {
    /// At most `count` directions of rows × dimensions `x`, by orthogonal iteration on the covariance from a seeded
    /// start (Golub and Van Loan, Matrix Computations, 8.2.4).
    pub(crate) fn fit(x: ArrayView2<'_, f64>, count: usize, seed: u64) -> Self {
        let mean = x.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(x.ncols()));
        let centred = &x - &mean;
        let covariance = centred.t().dot(&centred);
        let mut rng = stream(seed, 0);
        let mut directions = Array2::from_shape_simple_fn((count.min(x.ncols()), x.ncols()), || normal(&mut rng));
        for _ in 0..ROUNDS {
            orthonormalise(&mut directions);
            directions = directions.dot(&covariance);
        }
        orthonormalise(&mut directions);
        directions.mapv_inplace(|x| f64::from(x as f32));
        Self { directions }
    }

    pub(crate) fn apply(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        x.dot(&self.directions.t())
    }
}

/// Gram and Schmidt over the rows, in order; a row without anything of its own becomes zero.
fn orthonormalise(rows: &mut Array2<f64>) {
    for i in 0..rows.nrows() {
        let mut row = rows.row(i).to_owned();
        for j in 0..i {
            let earlier = rows.row(j);
            row.scaled_add(-earlier.dot(&row), &earlier);
        }
        let length = norm(row.view());
        row.mapv_inplace(|x| if length > 1e-9 { x / length } else { 0.0 });
        rows.row_mut(i).assign(&row);
    }
}

fn norm(x: ArrayView1<'_, f64>) -> f64 {
    x.dot(&x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_directions_of_largest_variance() {
        let mut rng = stream(2, 0);
        let x = Array2::from_shape_fn((2000, 3), |(_, j)| [0.1, 5.0, 1.0][j] * normal(&mut rng) + 3.0);
        let projection = Projection::fit(x.view(), 2, 1);
        assert!(projection.directions[(0, 1)].abs() > 0.99 && projection.directions[(1, 2)].abs() > 0.99);
        assert_eq!(projection, Projection::fit(x.view(), 2, 1));
        assert_eq!(projection.apply(x.view()).dim(), (2000, 2));
    }

    #[test]
    fn constant_rows_have_no_directions_but_no_nan_either() {
        let projection = Projection::fit(Array2::ones((5, 2)).view(), 8, 1);
        assert_eq!(projection.directions, Array2::<f64>::zeros((2, 2)));
    }
}
